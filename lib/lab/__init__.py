"""The timing lab around `lib.timing`: what can be measured, in whose turn, where, and what is kept."""
