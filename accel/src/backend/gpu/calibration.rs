//! How fast device and processor are, and from which size on the device is worth asking. Pure: the
//! caller measures.

use core::time::Duration;

/// Time of a proof as a linear function of its domain's size: a fixed part and a part for each row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearCost {
    /// Seconds, whatever the size.
    pub fixed: f64,
    /// Seconds a row.
    pub per_row: f64,
}

impl LinearCost {
    /// The line through two measurements, rows and time each. Neither part is negative.
    #[must_use]
    pub fn through(small: (usize, Duration), large: (usize, Duration)) -> Self {
        let [(n, t), (m, u)] = [small, large].map(|(rows, time)| (rows as f64, time.as_secs_f64()));
        // why: times are noisy. A larger size that took less time must not give a negative cost, by
        // which the device would win at every larger size.
        let per_row = if m > n { ((u - t) / (m - n)).max(0.0) } else { 0.0 };
        Self { fixed: (t - per_row * n).max(0.0), per_row }
    }

    /// Seconds for a domain of this size.
    #[must_use]
    pub fn seconds(&self, rows: usize) -> f64 {
        self.fixed + self.per_row * rows as f64
    }
}

/// The two, as measured on this machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// The device.
    pub device: LinearCost,
    /// The processor, by the backend used without a device.
    pub processor: LinearCost,
}

impl Calibration {
    /// The least domain from which on the device takes no longer, or `None` if it always takes
    /// longer.
    #[must_use]
    pub fn crossover(&self) -> Option<usize> {
        // 2^28 is the field's two-adicity: no domain is larger.
        (1..=28).map(|log| 1usize << log).find(|n| self.device.seconds(*n) <= self.processor.seconds(*n))
    }

    /// Whether the device, with `before` proofs before this one, would finish sooner than the
    /// thread itself. Sums on one device follow each other.
    #[must_use]
    pub fn device_is_sooner(&self, rows: usize, before: usize) -> bool {
        (before + 1) as f64 * self.device.seconds(rows) <= self.processor.seconds(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(fixed: f64, per_row: f64) -> LinearCost {
        LinearCost { fixed, per_row }
    }

    #[test]
    fn a_line_goes_through_what_was_measured_and_is_never_negative() {
        let ms = Duration::from_millis;
        let measured = LinearCost::through((1024, ms(12)), (8192, ms(19)));
        assert!(
            (measured.seconds(1024) - 0.012).abs() < 1e-9 && (measured.seconds(8192) - 0.019).abs() < 1e-9
        );
        // Noise: the larger one was faster; twice the same size.
        assert_eq!(LinearCost::through((1024, ms(12)), (8192, ms(9))), line(0.012, 0.0));
        assert_eq!(LinearCost::through((1024, ms(12)), (1024, ms(13))), line(0.012, 0.0));
        assert_eq!(LinearCost::through((1024, ms(1)), (2048, ms(9))).fixed, 0.0);
    }

    #[test]
    fn the_crossover_is_the_least_size_where_the_device_is_no_slower() {
        let calibration = Calibration { device: line(0.010, 1e-7), processor: line(0.0, 1e-5) };
        let crossover = calibration.crossover().expect("somewhere");
        assert_eq!(crossover, 1024);
        assert!(calibration.device.seconds(crossover / 2) > calibration.processor.seconds(crossover / 2));
        assert_eq!(Calibration { device: line(1.0, 1e-5), processor: line(0.0, 1e-6) }.crossover(), None);
        assert_eq!(Calibration { device: line(0.0, 0.0), processor: line(0.0, 1e-6) }.crossover(), Some(2));
    }

    #[test]
    fn a_queue_before_the_device_sends_proofs_to_the_processor() {
        let calibration = Calibration { device: line(0.010, 0.0), processor: line(0.035, 0.0) };
        let taken: Vec<bool> = (0..5).map(|before| calibration.device_is_sooner(1, before)).collect();
        assert_eq!(taken, [true, true, true, false, false]);
    }
}
