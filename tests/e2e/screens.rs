//! The window's screens: the one place that knows their words.
