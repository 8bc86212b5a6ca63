"""Where the model's expertise ends: regimes in which overrides help, the model's own value by context, and what each policy would bring."""
