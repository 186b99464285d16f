//! Data sets as published: labels, class names, conventions.

pub mod gesture;
