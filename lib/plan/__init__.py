"""Networks of one's own: the language of plans, and what is made of a plan. No code of a plan is ever run."""
