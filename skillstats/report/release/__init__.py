"""What of a desk may be told to readers who may not see single traders: cells of people, and nothing from which a smaller group follows."""
