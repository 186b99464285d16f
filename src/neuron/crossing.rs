//! Two exponentials: where a membrane behind a synapse is at any time, and when it
//! first reaches a threshold.
//!
//! ```text
//! I(t) = I∞ + (I − I∞) β                         β = e^(−t/τ_syn), α = e^(−t/τ_mem)
//! v(t) = v∞ + (v − v∞) α + R (I − I∞) κ          v∞ = v_leak + R I∞
//! κ    = τ_syn/(τ_syn − τ_mem) · (β − α)         t/τ_mem · α where the two are equal
//! ```
//!
//! Times are in seconds, v and I in the units of the file. v turns once at most, at
//! the t where its derivative is zero,
//!
//! ```text
//! t = τ_syn τ_mem/(τ_syn − τ_mem) · ln(1 + (τ_syn − τ_mem)/τ_mem · (1 − (v − v∞)/(R (I − I∞))))
//! ```
//!
//! to the top if the current fades from above, else to the bottom. So the first
//! crossing lies between now and a top, or behind a bottom, and there is one in
//! that stretch: Newton's method finds it, and where that leads out of the stretch it
//! is halved. Nothing is sampled, and a potential that is above its threshold for an
//! instant is not missed.
//!
//! Most neurons are too far from their threshold for their current, which adds the top of
//! κ at most, (τ_syn/τ_mem)^(−τ_mem/(τ_syn − τ_mem)), or will hear more before they reach
//! it: how long v stays below it at least is asked first.
//!
//! **Source.** The two equations of [`super::cuba_lif`], solved; the search between now and
//! a top as in Krishnan et al. 2018, doi:10.3389/fninf.2017.00075.

/// How closely times are told, in seconds.
const ENOUGH: f64 = 1e-15;

/// What happens over a time t: α, β and κ.
#[derive(Clone, Copy)]
pub struct Passage {
    /// What remains of the potential.
    pub alpha: f64,
    /// What remains of the current.
    pub beta: f64,
    /// What a unit of current adds to the potential while it fades.
    pub kappa: f64,
}

impl Passage {
    /// Over `t` seconds, of time constants in seconds.
    pub fn new(tau_syn: f64, tau_mem: f64, t: f64) -> Passage {
        let (alpha, beta) = ((-t / tau_mem).exp(), (-t / tau_syn).exp());
        let difference = tau_syn - tau_mem;
        let z = t * (difference / (tau_syn * tau_mem));
        // the exponentials are subtracted only where they differ
        let kappa = match z {
            0.0 => alpha * t / tau_mem,
            _ if z.abs() < 1.0 => alpha * (t / tau_mem) * z.exp_m1() / z,
            _ => tau_syn / difference * (beta - alpha),
        };
        Passage { alpha, beta, kappa }
    }
}

/// The most that a unit of current adds to the potential: the top of κ.
pub fn largest_kappa(tau_syn: f64, tau_mem: f64) -> f64 {
    // x^(1/(1−x)) of the ratio, which comes to 1/e
    let beyond = tau_syn / tau_mem - 1.0;
    match beyond.abs() < 1e-6 {
        true => (beyond / 2.0 - 1.0).exp(),
        false => (-beyond.ln_1p() / beyond).exp(),
    }
}

/// One neuron at one time.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Time constant of the synapse, s.
    pub tau_syn: f64,
    /// Time constant of the membrane, s.
    pub tau_mem: f64,
    /// R, potential per current.
    pub resistance: f64,
    /// v_leak.
    pub leak: f64,
    /// I∞, the current that a constant input amounts to.
    pub settles: f64,
    /// [`largest_kappa`] of its time constants.
    pub largest_kappa: f64,
    /// The membrane potential.
    pub v: f64,
    /// The synaptic current.
    pub current: f64,
}

impl Cell {
    /// Where the potential ends.
    #[inline(always)]
    fn end(&self) -> f64 {
        self.leak + self.resistance * self.settles
    }

    /// The same neuron later.
    #[inline(always)]
    pub fn after(&self, passage: Passage) -> Cell {
        let fades = self.current - self.settles;
        let v = self.end()
            + (self.v - self.end()) * passage.alpha
            + self.resistance * fades * passage.kappa;
        Cell { v, current: self.settles + fades * passage.beta, ..*self }
    }

    fn at(&self, t: f64) -> Cell {
        self.after(Passage::new(self.tau_syn, self.tau_mem, t))
    }

    /// How fast the potential rises, per second.
    fn slope(&self) -> f64 {
        (self.leak - self.v + self.resistance * self.current) / self.tau_mem
    }

    /// The time after which the potential turns; it does so once at most.
    fn turns(&self) -> Option<f64> {
        let fading = self.resistance * (self.current - self.settles);
        if fading == 0.0 {
            return None;
        }
        let (lag, difference) = (1.0 - (self.v - self.end()) / fading, self.tau_syn - self.tau_mem);
        let x = difference / self.tau_mem * lag;
        let t = match x.abs() < 1e-12 {
            true => self.tau_syn * lag,
            false => self.tau_syn * self.tau_mem / difference * x.ln_1p(),
        };
        (t > 0.0 && t.is_finite()).then_some(t)
    }

    /// What the current drives the potential to, now and at the end.
    #[inline(always)]
    fn drives(&self) -> [f64; 2] {
        [self.current, self.settles].map(|current| self.resistance * current)
    }

    /// How long the potential, below `theta` now, stays there at least; for ever if the
    /// current does not suffice.
    #[inline(always)]
    pub fn stays_below(&self, theta: f64) -> f64 {
        let [now, later] = self.drives();
        let (reach, most) = (
            self.leak + now.max(later),
            self.v.max(self.end()) + (now - later).max(0.0) * self.largest_kappa,
        );
        if reach.min(most) < theta {
            return f64::INFINITY;
        }
        // if the larger drive lasted: ln x ≥ 1 − 1/x
        self.tau_mem * (theta - self.v) / (reach - self.v)
    }

    /// The first time at which the potential, below `theta` now, reaches it.
    pub fn reaches(&self, theta: f64) -> Option<f64> {
        if self.stays_below(theta).is_infinite() {
            return None;
        }
        let [now, later] = self.drives();
        // a current that fades bends the potential down, all the way
        match self.turns() {
            Some(peak) if now > later => {
                (self.at(peak).v >= theta).then(|| self.crossing(0.0, peak, theta))
            }
            turn => (self.end() > theta).then(|| {
                let low = turn.unwrap_or(0.0);
                let mut span = self.tau_syn + self.tau_mem;
                while self.at(low + span).v < theta {
                    span *= 2.0;
                }
                self.crossing(low, low + span, theta)
            }),
        }
    }

    /// Where the potential, below `theta` at `low` and not at `high`, crosses it:
    /// the first time at which it is not below.
    fn crossing(&self, mut low: f64, mut high: f64, theta: f64) -> f64 {
        let mut t = low;
        for step in 0.. {
            let then = self.at(t);
            match then.v < theta {
                true => low = t,
                false => high = t,
            }
            let (middle, newton) = (low + 0.5 * (high - low), t + (theta - then.v) / then.slope());
            if middle <= low || middle >= high || high - low < ENOUGH {
                break;
            }
            if (newton - t).abs() < ENOUGH && newton < high {
                return newton.max(low);
            }
            // what does not come to its end by then is halved down to
            let leads_on = step < 64 && newton > low && newton < high;
            t = if leads_on { newton } else { middle };
        }
        high
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell() -> impl Strategy<Value = Cell> {
        let taus = prop_oneof![
            3 => (1e-3f64..3e-2, 1e-3f64..3e-2),
            1 => (1e-3f64..3e-2).prop_map(|tau| (tau, tau)),
            1 => (1e-3f64..3e-2).prop_map(|tau| (tau, tau * (1.0 + 1e-9))),
        ];
        let settles = prop_oneof![Just(0.0), -0.5f64..1.5];
        let potentials = (-0.5f64..0.8, -1.0f64..1.0, -2.0f64..8.0);
        (taus, potentials, settles, 0.5f64..2.0).prop_map(
            |((tau_syn, tau_mem), (leak, v, current), settles, resistance)| {
                let largest_kappa = largest_kappa(tau_syn, tau_mem);
                Cell { tau_syn, tau_mem, resistance, leak, settles, largest_kappa, v, current }
            },
        )
    }

    /// The largest potential of so many between now and then.
    fn highest(cell: &Cell, until: f64) -> f64 {
        (0..=2000).map(|i| cell.at(until * f64::from(i) / 2000.0).v).fold(cell.v, f64::max)
    }

    proptest! {
        #[test]
        fn nobody_crosses_before_it_is_said(cell in cell()) {
            let (stays, reaches) = (cell.stays_below(1.0), cell.reaches(1.0));
            let all = 40.0 * (cell.tau_syn + cell.tau_mem);
            prop_assert!(highest(&cell, stays.min(all)) < 1.0 + 1e-12);
            match reaches {
                None => prop_assert!(highest(&cell, all) < 1.0 + 1e-12),
                Some(at) => {
                    prop_assert!((cell.at(at).v - 1.0).abs() < 1e-12, "{at}");
                    prop_assert!(stays <= at * (1.0 + 1e-12) && highest(&cell, at) < 1.0 + 1e-12);
                }
            }
        }

        #[test]
        fn nothing_adds_more_than_the_largest_kappa(cell in cell()) {
            let kappa = |i: i32| {
                let t = (cell.tau_syn + cell.tau_mem) * f64::from(i) / 2000.0;
                Passage::new(cell.tau_syn, cell.tau_mem, t).kappa
            };
            let top = (0..20_000).map(kappa).fold(0.0, f64::max);
            prop_assert!((top..top * (1.0 + 1e-5)).contains(&(cell.largest_kappa * (1.0 + 1e-12))));
        }
    }
}
