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
//! that stretch: it is halved down to. Nothing is sampled, and a potential that is
//! above its threshold for an instant is not missed.
//!
//! **Source.** The two equations of [`super::cuba_lif`], solved; the search as in
//! Krishnan et al. 2018, doi:10.3389/fninf.2017.00075.

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

/// One neuron at one time.
#[derive(Clone, Copy)]
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
    /// The membrane potential.
    pub v: f64,
    /// The synaptic current.
    pub current: f64,
}

impl Cell {
    /// Where the potential ends.
    fn end(&self) -> f64 {
        self.leak + self.resistance * self.settles
    }

    /// The same neuron later.
    pub fn after(&self, passage: Passage) -> Cell {
        let fades = self.current - self.settles;
        let v = self.end()
            + (self.v - self.end()) * passage.alpha
            + self.resistance * fades * passage.kappa;
        Cell { v, current: self.settles + fades * passage.beta, ..*self }
    }

    fn at(&self, t: f64) -> f64 {
        self.after(Passage::new(self.tau_syn, self.tau_mem, t)).v
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

    /// The first time at which the potential, below `theta` now, reaches it.
    pub fn reaches(&self, theta: f64) -> Option<f64> {
        let [now, later] = [self.current, self.settles].map(|current| self.resistance * current);
        if self.leak + now.max(later) < theta {
            return None;
        }
        // a current that fades bends the potential down, all the way
        match self.turns() {
            Some(peak) if now > later => {
                (self.at(peak) >= theta).then(|| self.crossing(0.0, peak, theta))
            }
            turn => (self.end() > theta).then(|| {
                let low = turn.unwrap_or(0.0);
                let mut span = self.tau_syn + self.tau_mem;
                while self.at(low + span) < theta {
                    span *= 2.0;
                }
                self.crossing(low, low + span, theta)
            }),
        }
    }

    /// Where the potential, below `theta` at `low` and not at `high`, crosses it:
    /// the first time at which it is not below.
    fn crossing(&self, mut low: f64, mut high: f64, theta: f64) -> f64 {
        loop {
            let middle = low + 0.5 * (high - low);
            if middle <= low || middle >= high || high - low < 1e-15 {
                return high;
            }
            match self.at(middle) < theta {
                true => low = middle,
                false => high = middle,
            }
        }
    }
}
