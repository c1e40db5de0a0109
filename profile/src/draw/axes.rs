//! Axes and names of curves: what the charts of all pages have in common.

use super::colour::Colour;
use super::svg::{Anchor, Svg};

/// Height of a line of small text, and the mean width of one of its characters.
const LINE: f64 = 14.0;
const LETTER: f64 = 6.4;

/// The rectangle that curves are drawn in. Above it is room for the name of the vertical axis,
/// below it for the horizontal axis.
pub struct Frame {
    /// Left edge.
    pub left: f64,
    /// Right edge.
    pub right: f64,
    /// Upper edge.
    pub top: f64,
    /// Lower edge.
    pub bottom: f64,
}

impl Frame {
    /// Within a drawing of this size. `left` is kept free for values, `right` for names.
    #[must_use]
    pub fn within(width: f64, height: f64, left: f64, right: f64) -> Self {
        Self { left, right: width - right, top: 26.0, bottom: height - 40.0 }
    }

    /// The horizontal place of a share of the width.
    #[must_use]
    pub fn x(&self, share: f64) -> f64 {
        (self.right - self.left).mul_add(share, self.left)
    }

    /// The vertical place of a share of the height, from below.
    #[must_use]
    pub fn y(&self, share: f64) -> f64 {
        (self.top - self.bottom).mul_add(share, self.bottom)
    }

    /// The vertical axis: grid, values, and what they are.
    pub fn vertical(&self, svg: &mut Svg, title: &str, marks: &[(f64, String)]) {
        svg.text((0.0, 11.0), Anchor::Start, "small soft", title);
        let mut free = f64::INFINITY;
        for (y, words) in marks {
            // From the bottom up: values that would lie on each other are left out.
            if *y <= free {
                svg.line((self.left, *y), (self.right, *y), "gridline");
                svg.text((self.left - 6.0, y + 4.0), Anchor::End, "small soft", words);
                free = y - LINE;
            }
        }
    }

    /// The horizontal axis: grid, values, and what they are.
    pub fn horizontal(&self, svg: &mut Svg, title: &str, marks: &[(f64, String)]) {
        let (mut free, last) = (f64::NEG_INFINITY, marks.len().saturating_sub(1));
        let end = marks.last().map_or(f64::INFINITY, |(x, words)| x - width(words) / 2.0 - 7.0);
        for (i, (x, words)) in marks.iter().enumerate() {
            svg.line((*x, self.top), (*x, self.bottom), "gridline");
            let half = width(words) / 2.0;
            if x - half >= free && (i == last || x + half <= end) {
                svg.text((*x, self.bottom + 16.0), Anchor::Middle, "small soft", words);
                free = x + half + 7.0;
            }
        }
        let middle = f64::midpoint(self.left, self.right);
        svg.text((middle, self.bottom + 34.0), Anchor::Middle, "small soft", title);
    }
}

/// The approximate width of small text.
#[must_use]
pub fn width(text: &str) -> f64 {
    text.chars().count() as f64 * LETTER
}

/// A curve as it is drawn.
pub struct Curve {
    /// Its colour.
    pub colour: Colour,
    /// Its name, written at its end.
    pub name: Option<String>,
    /// Its points, in the drawing's units.
    pub points: Vec<(f64, f64)>,
}

/// A name and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// The colour of its curve.
    pub colour: Colour,
    /// The end of its curve.
    pub end: (f64, f64),
    /// Left end of the base line.
    pub at: (f64, f64),
}

impl Name {
    /// What the text covers: left, top, right, bottom.
    fn area(&self) -> [f64; 4] {
        let (x, y) = self.at;
        [x, y - 10.5, x + width(&self.text), y + 3.5]
    }

    fn covers(&self, (x, y): (f64, f64)) -> bool {
        let [left, top, right, bottom] = self.area();
        (left..=right).contains(&x) && (top..=bottom).contains(&y)
    }

    fn overlaps(&self, other: &Self) -> bool {
        let ([l, t, r, b], [l2, t2, r2, b2]) = (self.area(), other.area());
        l < r2 && l2 < r && t < b2 && t2 < b
    }
}

/// Writes each curve's name at its end, beside other names and, if it can be, beside all curves.
pub fn name_curves(svg: &mut Svg, frame: &Frame, full: f64, curves: &[Curve]) {
    for name in names(frame, full, curves) {
        let ([left, top, right, bottom], end) = (name.area(), name.end);
        // A name that had to move is tied to its curve.
        let near = (end.0.clamp(left - 1.0, right + 1.0), end.1.clamp(top, bottom));
        if (near.0 - end.0).hypot(near.1 - end.1) > 9.0 {
            svg.line(end, near, &format!("{} leader", name.colour.class()));
        }
        svg.text(name.at, Anchor::Start, &format!("{} end small", name.colour.class()), &name.text);
    }
}

/// Where the names are written in a drawing `full` wide.
#[must_use]
pub fn names(frame: &Frame, full: f64, curves: &[Curve]) -> Vec<Name> {
    let drawn: Vec<(f64, f64)> = curves.iter().flat_map(|curve| samples(&curve.points)).collect();
    let mut ends: Vec<(&Curve, &String, (f64, f64))> = curves
        .iter()
        .filter_map(|curve| Some((curve, curve.name.as_ref()?, *curve.points.last()?)))
        .collect();
    ends.sort_by(|a, b| b.2.0.total_cmp(&a.2.0).then(a.2.1.total_cmp(&b.2.1)));
    let mut placed: Vec<Name> = Vec::new();
    for (curve, text, end) in ends {
        let wide = width(text);
        let steps = (0..=24).flat_map(|i| [f64::from(i), -f64::from(i)]);
        let places = steps.flat_map(|step| {
            // Beside the end, above or below it, to its left, or where no curve goes.
            let margin = (frame.right + 7.0, 12.0 + (frame.right - end.0) / 8.0);
            [(end.0 + 7.0, 0.0), (end.0 - wide / 2.0, 9.0), (end.0 - wide - 7.0, 5.0), margin].map(
                |(x, dear)| {
                    let name = Name {
                        text: text.clone(),
                        colour: curve.colour,
                        end,
                        at: (x, end.1 + 3.5 + step * 7.0),
                    };
                    (name, step.abs() * 7.0 + dear)
                },
            )
        });
        let mut best: Option<(f64, Name)> = None;
        for (name, far) in places {
            let [left, top, right, bottom] = name.area();
            if left < 0.0 || right > full || top < frame.top - 10.0 || bottom > frame.bottom {
                continue;
            }
            let names = placed.iter().filter(|other| other.overlaps(&name)).count();
            let curves = drawn.iter().filter(|point| name.covers(**point)).count();
            let cost = names as f64 * 1e6 + curves as f64 * 6.0 + far;
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, name));
            }
        }
        placed.extend(best.map(|(_, name)| name));
    }
    placed
}

/// Points along a line, near each other.
fn samples(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let between = points.windows(2).flat_map(|pair| {
        let ((x, y), (x2, y2)) = (pair[0], pair[1]);
        let n = ((x2 - x).hypot(y2 - y) / 3.0).ceil().clamp(1.0, 400.0) as u32;
        (0..n).map(move |i| {
            let share = f64::from(i) / f64::from(n);
            ((x2 - x).mul_add(share, x), (y2 - y).mul_add(share, y))
        })
    });
    between.chain(points.last().copied()).collect()
}

/// Marks for a logarithmic axis between two powers of ten: 1, 2 and 5 of each power. More of them
/// if there would be too few, the powers alone if there would be too many.
#[must_use]
pub fn ticks(low: f64, high: f64) -> Vec<f64> {
    const STEPS: [&[f64]; 4] = [
        &[1.0],
        &[1.0, 2.0, 5.0],
        &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0],
        &[
            1.0, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2.0, 2.2, 2.5, 2.8, 3.2, 3.6, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0,
            8.0, 9.0,
        ],
    ];
    let of = |steps: &[f64]| -> Vec<f64> {
        let (from, to) = (low.floor() as i32, high.ceil() as i32);
        let all = (from..=to).flat_map(|p| steps.iter().map(move |m| m * 10f64.powi(p)));
        all.filter(|t| (low..=high).contains(&t.log10())).collect()
    };
    STEPS.into_iter().map(of).find(|all| all.len() >= 3).unwrap_or_else(|| of(STEPS[3]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: f64 = 380.0;

    fn frame() -> Frame {
        Frame::within(WIDE, 300.0, 50.0, 100.0)
    }

    fn curve(name: &str, points: &[(f64, f64)]) -> Curve {
        Curve { colour: Colour::Series(0), name: Some(name.into()), points: points.into() }
    }

    #[test]
    fn names_lie_neither_on_each_other_nor_outside_wherever_the_curves_end() {
        let frame = frame();
        for spread in [0.0, 1.0, 5.0, 14.0, 40.0] {
            for (right, top) in [(280.0, 26.0), (280.0, 140.0), (280.0, 258.0), (60.0, 30.0), (150.0, 250.0)]
            {
                let curves: Vec<Curve> = (0..6)
                    .map(|i| {
                        let end = (right, (top + spread * f64::from(i)).min(frame.bottom));
                        curve("ledger, signed", &[(55.0, 100.0), end])
                    })
                    .collect();
                let names = names(&frame, WIDE, &curves);
                assert_eq!(names.len(), 6);
                for (i, name) in names.iter().enumerate() {
                    let [left, top, right, bottom] = name.area();
                    assert!(left >= 0.0 && right <= WIDE && top >= 0.0 && bottom <= frame.bottom, "{name:?}");
                    assert!(names[..i].iter().all(|other| !other.overlaps(name)), "{names:?}");
                }
            }
        }
    }

    #[test]
    fn a_name_with_room_is_at_the_end_of_its_curve() {
        let curves = [
            curve("first", &[(60.0, 200.0), (140.0, 180.0)]),
            curve("second", &[(60.0, 100.0), (280.0, 60.0)]),
        ];
        for name in names(&frame(), WIDE, &curves) {
            assert!((name.at.0 - name.end.0 - 7.0).abs() < 0.1, "{name:?}");
            assert!((name.at.1 - 3.5 - name.end.1).abs() < 0.1, "{name:?}");
        }
    }

    #[test]
    fn a_name_goes_out_of_the_way_of_another_curve() {
        let curves = [
            curve("here", &[(60.0, 200.0), (120.0, 150.0)]),
            curve("through", &[(60.0, 150.0), (280.0, 150.0)]),
        ];
        let all = names(&frame(), WIDE, &curves);
        let here = all.iter().find(|n| n.text == "here").expect("named");
        let through = samples(&curves[1].points);
        assert!(through.iter().all(|point| !here.covers(*point)), "{here:?}");
    }

    #[test]
    fn an_axis_has_three_marks_or_more_and_not_a_crowd() {
        for (low, high) in [(0.0, 0.2), (-3.0, 3.0), (1.0, 2.0), (2.93, 3.1), (-0.1, 0.3), (0.0, 9.0)] {
            let n = ticks(low, high).len();
            assert!((3..=10).contains(&n), "{low} to {high}: {n}");
        }
    }

    #[test]
    fn values_on_an_axis_that_would_lie_on_each_other_are_left_out() {
        let mut svg = Svg::new(WIDE, 300.0);
        let marks: Vec<(f64, String)> =
            (0..40).map(|i| (50.0 + f64::from(i) * 5.0, "1 000".into())).collect();
        frame().horizontal(&mut svg, "threads", &marks);
        let drawn = svg.finish("axis").matches("1 000").count();
        assert!((3..8).contains(&drawn), "{drawn}");
    }
}
