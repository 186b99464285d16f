//! The pixels of a DVS: from intensity to events.
//!
//! A pixel turns intensity into its logarithm, smooths that with a bandwidth that grows
//! with the light, and sends an event whenever the result is a threshold away from what
//! it was at its last event. On top come the faults of real ones: thresholds that differ
//! from pixel to pixel, a leak that makes slow ON events, noise, dead times, pixels that
//! never rest, and events that are read out twice.
//!
//! **Source.** Y. Hu, S.-C. Liu, T. Delbruck, v2e: From video frames to realistic DVS
//! events, CVPRW 2021, and its `emulator.py`. Departures: an event's time is where the
//! smoothed logarithm crossed the threshold, interpolated within the step (there events
//! are spread evenly over it); a leak's deviation is drawn anew every 128th step (there in
//! every one); what a pixel has before the first step is anything within its thresholds;
//! and events repeat within a microsecond, as those of a DVS128 do.

use super::chance::Chance;

/// Below this intensity, of 255, a pixel is linear.
const KNEE: f32 = 20.0;

/// How the noise of pixels differs, in decades.
const NOISE_SPREAD: f64 = 0.1;

/// What the noise of a pixel in full light is, relative to one in the dark.
const NOISE_IN_LIGHT: f64 = 0.25;

/// The deviation of a leak from its mean, from moment to moment.
const LEAK_JITTER: f64 = 0.1;

/// Pixels that are looked through together.
const CHUNK: usize = 32;

/// What the pixels of a camera are like.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// θ_on and θ_off, in natural logarithms of intensity.
    pub thresholds: [f64; 2],
    /// Deviation of thresholds from pixel to pixel.
    pub mismatch: f64,
    /// Bandwidth in full light, in Hz; infinite for none.
    pub cutoff: f64,
    /// ON events of the leak, per pixel and second.
    pub leak: f64,
    /// Events of shot noise in the dark, per pixel and second.
    pub shot: f64,
    /// µs after an event in which a pixel sends none.
    pub refractory: i64,
    /// How many pixels fire without rest, and how often, in Hz.
    pub hot: (usize, f64),
    /// Probability that an event is sent once more, 1 µs later.
    pub repeat: f64,
}

impl Settings {
    /// A DVS128, as near as its recordings of gesturing people tell.
    pub const DVS128: Settings = Settings {
        thresholds: [0.30, 0.26],
        mismatch: 0.03,
        cutoff: 250.0,
        leak: 0.012,
        shot: 0.02,
        refractory: 300,
        hot: (6, 12.0),
        repeat: 0.11,
    };
}

/// An event on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// µs.
    pub t: i64,
    /// Row times columns and column.
    pub pixel: u32,
    /// Polarity.
    pub on: bool,
}

/// The pixels, in rows.
#[derive(Debug)]
pub struct Pixels {
    settings: Settings,
    chance: Chance,
    /// P, the smoothed logarithm.
    smoothed: Vec<f32>,
    /// P at the beginning of the step.
    before: Vec<f32>,
    /// M, the logarithm at the last event.
    memorised: Vec<f32>,
    thresholds: [Vec<f32>; 2],
    /// What M loses in a second.
    leak: Vec<f32>,
    /// The same without jitter.
    mean_leak: Vec<f32>,
    /// Events of shot noise in a second in the dark, by a threshold that is the nominal one.
    shot: Vec<f32>,
    /// The most that any pixel has.
    most_shot: f64,
    hot: Vec<u32>,
    /// When each pixel fired last.
    fired: Vec<i64>,
    /// The first pixel whose leak is drawn anew next.
    redrawn: usize,
}

impl Pixels {
    /// So many pixels that have long seen this.
    pub fn new(settings: Settings, seen: &[f32], mut chance: Chance) -> Pixels {
        let n = seen.len();
        let mut draw = |f: &mut dyn FnMut(&mut Chance) -> f64| -> Vec<f32> {
            (0..n).map(|_| f(&mut chance) as f32).collect()
        };
        let thresholds = settings.thresholds.map(|mean| {
            // a pixel cannot have a threshold of nothing
            draw(&mut |chance| (mean + settings.mismatch * chance.normal()).max(0.1 * mean))
        });
        let spread = std::f64::consts::LN_10 * NOISE_SPREAD;
        let leak = settings.leak * settings.thresholds[0];
        let mean_leak = draw(&mut |chance| leak * libm::exp(spread * chance.normal()));
        let shot = draw(&mut |chance| settings.shot * libm::exp(spread * chance.normal()));
        let nominal = |polarity: usize, pixel: usize| {
            f64::from(shot[pixel]) * settings.thresholds[polarity]
                / f64::from(thresholds[polarity][pixel])
        };
        let most_shot = (0..n).map(|i| nominal(0, i).max(nominal(1, i))).fold(0.0, f64::max);
        let hot = (0..settings.hot.0).map(|_| chance.index(n) as u32).collect();
        let smoothed: Vec<f32> = seen.iter().map(|&intensity| log(intensity)).collect();
        // what a pixel remembers is anything within its thresholds
        let memorised = (0..n).map(|i| {
            let [on, off] = [&thresholds[0], &thresholds[1]].map(|of| f64::from(of[i]));
            smoothed[i] + chance.between(-on, off) as f32
        });
        Pixels {
            memorised: memorised.collect(),
            before: smoothed.clone(),
            smoothed,
            leak: mean_leak.clone(),
            mean_leak,
            thresholds,
            shot,
            most_shot,
            hot,
            fired: vec![i64::MIN / 2; n],
            redrawn: 0,
            settings,
            chance,
        }
    }

    /// What happens from one time to another while pixels see `gain` times these
    /// intensities, 0 to 255. Events come in no order.
    pub fn step(
        &mut self,
        intensity: &[f32],
        gain: f32,
        [from, to]: [i64; 2],
        events: &mut Vec<Event>,
    ) {
        let dt = (to - from) as f64 / 1e6;
        self.jitter();
        let speed = (std::f64::consts::TAU * self.settings.cutoff * dt).min(1e6) as f32;
        self.smooth(intensity, gain, speed, dt as f32);
        for start in (0..self.smoothed.len()).step_by(CHUNK) {
            if self.any_crossed(start) {
                for pixel in start..self.smoothed.len().min(start + CHUNK) {
                    self.send(pixel, [from, to], events);
                }
            }
        }
        self.noise(intensity, gain, dt, [from, to], events);
    }

    /// P ← P + ε (L − P) and M ← M − leak.
    fn smooth(&mut self, intensity: &[f32], gain: f32, speed: f32, dt: f32) {
        self.before.copy_from_slice(&self.smoothed);
        let light = intensity.iter();
        let state = self.smoothed.iter_mut().zip(&mut self.memorised).zip(&self.leak);
        for (&light, ((smoothed, memorised), leak)) in light.zip(state) {
            let light = light * gain;
            let share = (speed * brightness(light)).min(1.0);
            *smoothed += share * (log(light) - *smoothed);
            *memorised -= leak * dt;
        }
    }

    /// Leaks a little more or less: one pixel in 128 at a time.
    fn jitter(&mut self) {
        let n = self.leak.len();
        let some = self.redrawn..(self.redrawn + n.div_ceil(128)).min(n);
        for pixel in some.clone() {
            let jitter = 1.0 - LEAK_JITTER * self.chance.normal();
            self.leak[pixel] = self.mean_leak[pixel] * jitter as f32;
        }
        self.redrawn = if some.end == n { 0 } else { some.end };
    }

    fn any_crossed(&self, start: usize) -> bool {
        let chunk = start..self.smoothed.len().min(start + CHUNK);
        let [on, off] = &self.thresholds;
        let state = self.smoothed[chunk.clone()].iter().zip(&self.memorised[chunk.clone()]);
        let crossed = state.zip(on[chunk.clone()].iter().zip(&off[chunk]));
        crossed.fold(false, |any, ((smoothed, memorised), (on, off))| {
            let change = smoothed - memorised;
            any | (change >= *on) | (-change >= *off)
        })
    }

    /// Every threshold that a pixel's P crossed, and when.
    fn send(&mut self, pixel: usize, [from, to]: [i64; 2], events: &mut Vec<Event>) {
        let (before, now) = (self.before[pixel], self.smoothed[pixel]);
        let change = now - self.memorised[pixel];
        let on = change > 0.0;
        let threshold = self.thresholds[usize::from(!on)][pixel];
        let crossings = (change.abs() / threshold) as u32;
        let step = if on { threshold } else { -threshold };
        for _ in 0..crossings {
            self.memorised[pixel] += step;
            let way = now - before;
            let share = if way == 0.0 { 1.0 } else { (self.memorised[pixel] - before) / way };
            let t = from + (f64::from(share.clamp(0.0, 1.0)) * (to - 1 - from) as f64) as i64;
            self.emit(Event { t, pixel: pixel as u32, on }, events);
        }
    }

    /// Sends an event and its repetitions, unless the pixel is still dead.
    fn emit(&mut self, mut event: Event, events: &mut Vec<Event>) {
        let fired = &mut self.fired[event.pixel as usize];
        if event.t - *fired < self.settings.refractory {
            return;
        }
        *fired = event.t;
        events.push(event);
        while self.chance.happens(self.settings.repeat) {
            event.t += 1;
            events.push(event);
        }
    }

    /// Events without a cause.
    fn noise(
        &mut self,
        intensity: &[f32],
        gain: f32,
        dt: f64,
        [from, to]: [i64; 2],
        events: &mut Vec<Event>,
    ) {
        let n = self.smoothed.len() as f64;
        let expected = self.most_shot * dt;
        // candidates at the rate of the noisiest pixel in the dark, and of those a share
        let mut at = self.chance.exponential() / expected;
        while at < n {
            let (pixel, on) = (at as usize, self.chance.happens(0.5));
            let light = f64::from(brightness(intensity[pixel] * gain));
            let polarity = usize::from(!on);
            let rate = f64::from(self.shot[pixel])
                * ((NOISE_IN_LIGHT - 1.0) * light + 1.0)
                * self.settings.thresholds[polarity]
                / f64::from(self.thresholds[polarity][pixel]);
            if self.chance.happens(rate / self.most_shot) {
                self.memorised[pixel] = self.smoothed[pixel];
                let t = from + self.chance.index((to - from) as usize) as i64;
                self.emit(Event { t, pixel: pixel as u32, on }, events);
            }
            at += self.chance.exponential() / expected;
        }
        for i in 0..self.hot.len() {
            if self.chance.happens(self.settings.hot.1 * dt) {
                let t = from + self.chance.index((to - from) as usize) as i64;
                self.emit(Event { t, pixel: self.hot[i], on: i % 2 == 0 }, events);
            }
        }
    }
}

/// I01, how bright an intensity is, from about 0 to 1.
fn brightness(intensity: f32) -> f32 {
    (intensity + 20.0) / 275.0
}

/// L: the natural logarithm of an intensity from the knee on, linear below it.
fn log(intensity: f32) -> f32 {
    let slope = 2.995_732_3 / KNEE; // ln 20
    if intensity < KNEE { intensity * slope } else { ln(intensity) }
}

/// The natural logarithm of a positive number, to 1e-4; the same bits on every machine,
/// many at a time.
fn ln(x: f32) -> f32 {
    let bits = x.to_bits() as i32;
    // x = 2^e m with m from 2/3 to 4/3
    let exponent = bits.wrapping_sub(0x3f2a_aaab) & 0xff80_0000_u32 as i32;
    let f = f32::from_bits((bits.wrapping_sub(exponent)) as u32) - 1.0;
    let square = f * f;
    let low = 0.331_826_03 * f - 0.498_910_34;
    let high = 0.230_836_75 * f - 0.279_208_57;
    let series = (high * square + low) * square + f;
    exponent as f32 * f32::EPSILON * std::f32::consts::LN_2 + series
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of v2e's `clean`.
    const CLEAN: Settings = Settings {
        thresholds: [0.2, 0.2],
        mismatch: 0.02,
        cutoff: f64::INFINITY,
        leak: 0.0,
        shot: 0.0,
        refractory: 0,
        hot: (0, 0.0),
        repeat: 0.0,
    };

    fn pixels(settings: Settings, n: usize, seen: f32) -> Pixels {
        Pixels::new(settings, &vec![seen; n], Chance::new(5, &[]))
    }

    /// All events of `steps` steps of 1 ms with what `seen` says.
    fn run(pixels: &mut Pixels, steps: i64, seen: impl Fn(f64) -> f32) -> Vec<Event> {
        let n = pixels.smoothed.len();
        let mut events = Vec::new();
        for step in 0..steps {
            let light = vec![seen((step + 1) as f64 / 1e3); n];
            pixels.step(&light, 1.0, [step * 1000, (step + 1) * 1000], &mut events);
        }
        events
    }

    #[test]
    fn logarithms_are_those_of_the_library() {
        for i in 1..200_000 {
            let x = i as f32 * 0.01;
            assert!((ln(x) - x.ln()).abs() < 1e-4, "{x}: {} {}", ln(x), x.ln());
        }
        // both sides of the knee: ln 20 there, a line through nothing below
        assert!((log(KNEE) - 20_f32.ln()).abs() < 1e-4 && log(0.0) == 0.0);
        assert!((log(10.0) - 0.5 * 20_f32.ln()).abs() < 1e-4);
    }

    /// ln 150 - ln 50 = 1.0986 is 5.49 thresholds of 0.2. What a pixel has before it is
    /// uniform in ±1 threshold, and of the sum whole thresholds count: half a one less.
    #[test]
    fn a_ramp_gives_an_event_a_threshold() {
        let n = 4000;
        let exact = Settings { mismatch: 0.0, ..CLEAN };
        for (from, to, on) in [(50.0, 150.0, true), (150.0, 50.0, false)] {
            let mut pixels = pixels(exact, n, from);
            let events = run(&mut pixels, 200, |t| from + (to - from) * (t / 0.2) as f32);
            assert!(events.iter().all(|event| event.on == on));
            let mean = events.len() as f64 / n as f64;
            let expected = 3_f64.ln() / 0.2 - 0.5;
            assert!((mean - expected).abs() < 4.0 * 2.0 / (12.0 * n as f64).sqrt(), "{mean}");
        }
    }

    /// At I = 50 a ramp of e in 1 s crosses M + θ when ln I has, to a µs or so.
    #[test]
    fn a_crossing_is_timed_within_its_step() {
        let exact = Settings { mismatch: 0.0, ..CLEAN };
        let mut pixels = pixels(exact, 1, 50.0);
        let start = f64::from(pixels.memorised[0]) - 50_f64.ln();
        let events = run(&mut pixels, 1000, |t| 50.0 * t.exp() as f32);
        for (k, event) in (1..).zip(&events) {
            let expected = (start + 0.2 * f64::from(k)) * 1e6;
            assert!((event.t as f64 - expected).abs() < 300.0, "{k}: {} {expected}", event.t);
        }
        assert!(events.len() >= 4);
    }

    /// After a step the distance to the new logarithm shrinks by 1 - ε in each step, with
    /// ε = (I + 20)/275 · 2π f Δt: at I = 62.5 and 53.05 Hz a tenth in each ms.
    #[test]
    fn brightness_sets_the_bandwidth() {
        let slow = Settings { cutoff: 1000.0 / (std::f64::consts::TAU * 3.0), ..CLEAN };
        let mut pixels = pixels(slow, 1, 30.0);
        let before = 30_f64.ln();
        run(&mut pixels, 7, |_| 62.5);
        let expected = 62.5_f64.ln() + (before - 62.5_f64.ln()) * 0.9_f64.powi(7);
        assert!((f64::from(pixels.smoothed[0]) - expected).abs() < 5e-4);
    }

    /// Rates are those of the settings within four deviations: leaks are ON, the noise of a
    /// dark pixel is the full one, of a bright one a quarter.
    #[test]
    fn faults_come_at_their_rates() {
        let (n, seconds) = (16_384, 4.0);
        let rate = |settings: Settings, seen: f32| {
            let events = run(&mut pixels(settings, n, seen), 4000, |_| seen);
            let on = events.iter().filter(|event| event.on).count() as f64;
            (on / (n as f64 * seconds), (events.len() as f64 - on) / (n as f64 * seconds))
        };
        let close = |found: f64, expected: f64| {
            // log-normal rates have a mean a little above their median: e^(σ²/2)
            let expected =
                expected * (0.5 * (std::f64::consts::LN_10 * NOISE_SPREAD).powi(2)).exp();
            let error = 5.0 * (expected / (n as f64 * seconds)).sqrt() + 0.01 * expected;
            assert!((found - expected).abs() < error, "{found} {expected}");
        };
        let exact = Settings { mismatch: 0.0, ..CLEAN };
        let (on, off) = rate(Settings { leak: 0.5, ..exact }, 100.0);
        // half an event is still to come in the end, as in a ramp
        close(on + 0.5 / seconds, 0.5);
        assert_eq!(off, 0.0);
        let (on, off) = rate(Settings { shot: 1.0, ..exact }, 255.0);
        close(on, 0.125);
        close(off, 0.125);
        // 7.5 → I01 = 0.1: 1 - 0.075
        let (on, off) = rate(Settings { shot: 1.0, ..exact }, 7.5);
        close(on, 0.4625);
        close(off, 0.4625);
    }

    #[test]
    fn dead_times_repetitions_and_hot_pixels() {
        let fast = |t: f64| 20.0 + 200.0 * (0.5 - 0.5 * (t * 300.0).cos() as f32);
        let dead = Settings { refractory: 2000, ..CLEAN };
        let mut events = run(&mut pixels(dead, 50, 20.0), 100, fast);
        events.sort_unstable_by_key(|event| (event.pixel, event.t));
        let near = events.windows(2).filter(|w| w[0].pixel == w[1].pixel);
        assert!(near.clone().count() > 500);
        assert!(near.clone().all(|w| w[1].t - w[0].t >= 2000));
        let again = Settings { repeat: 0.25, ..CLEAN };
        let (once, more) = (pixels(CLEAN, 50, 20.0), pixels(again, 50, 20.0));
        let [once, more] = [once, more].map(|mut pixels| run(&mut pixels, 100, fast).len() as f64);
        // 1 + p + p² + ...
        assert!((more / once - 1.0 / 0.75).abs() < 0.03, "{more} {once}");
        let hot = Settings { hot: (3, 100.0), ..CLEAN };
        let events = run(&mut pixels(hot, 1000, 50.0), 1000, |_| 50.0);
        let pixels: std::collections::BTreeSet<u32> = events.iter().map(|e| e.pixel).collect();
        assert!(pixels.len() <= 3 && (200..400).contains(&events.len()), "{}", events.len());
    }
}
