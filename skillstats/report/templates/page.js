"use strict";
/* Sorts tables by a click on a heading and unfolds folded parts for printing. Without it the page reads the same. */
(function () {
  var words = new Intl.Collator("en", { numeric: true });

  /* The cell of a row that stands in a column, whatever spans others before it. */
  function cellAt(row, column) {
    for (var k = 0, at = 0; k < row.cells.length; k += 1) {
      if (column < at + row.cells[k].colSpan) {
        return at === column && row.cells[k].colSpan === 1 ? row.cells[k] : null;
      }
      at += row.cells[k].colSpan;
    }
    return null;
  }

  /* What a row is sorted by: the number prepared with the page, and the words of the cell. */
  function keyOf(row, place, column) {
    var cell = cellAt(row, column);
    var value = cell && cell.dataset.value;
    return { row: row, place: place, has: Boolean(value), number: Number(value || 0), text: cell ? cell.textContent.trim() : "" };
  }

  /* Rows in order of a column; rows without a number come last in either direction, ties keep the order of the page. */
  function ordered(rows, column, direction) {
    var keyed = rows.map(function (row, place) {
      return keyOf(row, place, column);
    });
    var numeric = keyed.some(function (x) {
      return x.has;
    });
    keyed.sort(function (a, b) {
      if (numeric && a.has !== b.has) {
        return a.has ? -1 : 1;
      }
      var less = numeric ? a.number - b.number : words.compare(a.text, b.text);
      return direction * less || a.place - b.place;
    });
    return keyed.map(function (x) {
      return x.row;
    });
  }

  function makeSortable(table) {
    var heads = table.tHead && table.tHead.rows.length === 1 ? Array.from(table.tHead.rows[0].cells) : [];
    var body = table.tBodies.length === 1 ? table.tBodies[0] : null;
    if (!heads.length || !body || table.dataset.order === "fixed" || body.querySelector("[rowspan]")) {
      return;
    }
    var every = Array.from(body.rows);
    var moving = every.filter(function (row) {
      return !row.classList.contains("total");
    });
    if (moving.length < 3) {
      return;
    }
    var still = every.filter(function (row) {
      return row.classList.contains("total");
    });
    heads.forEach(function (head, column) {
      if (head.colSpan !== 1 || !head.textContent.trim()) {
        return;
      }
      var button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append.apply(button, Array.from(head.childNodes));
      head.append(button);
      button.addEventListener("click", function () {
        var was = head.getAttribute("aria-sort");
        heads.forEach(function (other) {
          other.removeAttribute("aria-sort");
        });
        var rows = moving;
        if (was !== "descending") {
          head.setAttribute("aria-sort", was === "ascending" ? "descending" : "ascending");
          rows = ordered(moving, column, was === "ascending" ? -1 : 1);
        }
        body.append.apply(body, rows.concat(still));
      });
    });
  }

  document.querySelectorAll("main table").forEach(makeSortable);
  var unfolded = [];
  window.addEventListener("beforeprint", function () {
    unfolded = Array.from(document.querySelectorAll("details:not([open])"));
    unfolded.forEach(function (part) {
      part.open = true;
    });
  });
  window.addEventListener("afterprint", function () {
    unfolded.forEach(function (part) {
      part.open = false;
    });
  });
})();
