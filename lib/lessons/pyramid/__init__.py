"""The lesson on the feature pyramid: four ways to see large and small objects, and the levels of the one that won."""
