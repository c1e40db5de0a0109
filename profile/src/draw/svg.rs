//! Drawing, in as much SVG as the plots need. All text is escaped here and nowhere else.

use core::fmt::Write;

/// A drawing in user units; it scales to the width it is given.
pub struct Svg {
    width: f64,
    height: f64,
    body: String,
}

/// Which point of a text is given.
#[derive(Clone, Copy)]
pub enum Anchor {
    /// Its left end.
    Start,
    /// Its middle.
    Middle,
    /// Its right end.
    End,
}

impl Svg {
    /// An empty drawing.
    #[must_use]
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// A rectangle. `tip` is shown under the pointer.
    pub fn rect(&mut self, [x, y, w, h]: [f64; 4], class: &str, tip: &str) {
        let (x, y, w, h) = (num(x), num(y), num(w.max(0.0)), num(h.max(0.0)));
        let shape = format!(r#"<rect x="{x}" y="{y}" width="{w}" height="{h}" class="{}""#, escape(class));
        self.shape(&shape, "rect", tip);
    }

    /// A circle. `tip` is shown under the pointer.
    pub fn circle(&mut self, (x, y): (f64, f64), radius: f64, class: &str, tip: &str) {
        let shape = format!(
            r#"<circle cx="{}" cy="{}" r="{}" class="{}""#,
            num(x),
            num(y),
            num(radius),
            escape(class)
        );
        self.shape(&shape, "circle", tip);
    }

    /// A line between two points.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        self.path(&[from, to], class);
    }

    /// A line through points.
    pub fn path(&mut self, points: &[(f64, f64)], class: &str) {
        let steps: Vec<String> = points.iter().map(|(x, y)| format!("{} {}", num(*x), num(*y))).collect();
        self.push(format_args!(r#"<path d="M{}" class="{}"/>"#, steps.join(" L"), escape(class)));
    }

    /// A text at a point of its base line.
    pub fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.push(format_args!(
            r#"<text x="{}" y="{}" text-anchor="{anchor}" class="{}">{}</text>"#,
            num(x),
            num(y),
            escape(class),
            escape(text)
        ));
    }

    /// The SVG element. `label` describes the drawing for screen readers.
    #[must_use]
    pub fn finish(self, label: &str) -> String {
        let label = escape(label);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{label}\">\n{}</svg>\n",
            num(self.width),
            num(self.height),
            self.body
        )
    }

    fn shape(&mut self, open: &str, name: &str, tip: &str) {
        if tip.is_empty() {
            self.push(format_args!("{open}/>"));
        } else {
            self.push(format_args!("{open}><title>{}</title></{name}>", escape(tip)));
        }
    }

    fn push(&mut self, element: core::fmt::Arguments<'_>) {
        writeln!(self.body, "{element}").expect("strings take all");
    }
}

/// Escapes text for HTML and XML, also within quotes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML 1.0 has no other control characters, not even escaped.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A coordinate: short, and always a number.
fn num(x: f64) -> String {
    let x = if x.is_finite() { x } else { 0.0 };
    let text = format!("{x:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_well_formed_whatever_the_text() {
        let mut svg = Svg::new(100.0, 50.5);
        let nasty = "a <b> & \"c\" 'd' \u{1}\u{7f} ]]>";
        svg.rect([1.0, 2.0, f64::NAN, -4.0], nasty, nasty);
        svg.circle((1.0, f64::INFINITY), 3.0, "dot", "");
        svg.path(&[(0.0, 0.0), (10.25, 20.0)], "line");
        svg.text((5.0, 5.0), Anchor::Middle, "label", nasty);
        let text = svg.finish(nasty);
        let document = roxmltree::Document::parse(&text).expect("well-formed");
        let root = document.root_element();
        assert_eq!(root.attribute("viewBox"), Some("0 0 100 50.5"));
        let shown: Vec<_> = document
            .descendants()
            .filter(|n| n.has_tag_name(("http://www.w3.org/2000/svg", "text")))
            .collect();
        assert_eq!(shown.len(), 1);
        assert!(shown[0].text().is_some_and(|t| t.starts_with("a <b> & \"c\"")));
    }
}
