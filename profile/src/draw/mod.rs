//! What pages of figures are drawn with: SVG, axes, colours, numbers in words, and pieces of HTML.
//! The pages have no scripts and refer to nothing outside themselves.

pub mod axes;
pub mod colour;
pub mod html;
pub mod svg;
pub mod words;
