"""From evidence to a posterior: build the model, sample it, judge the sampler, and take functionals of the draws."""
