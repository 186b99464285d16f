//! synops replays recordings of event cameras through trained spiking networks,
//! and says what the network answered, how many spikes and synaptic operations
//! that took, and what they would cost in joules.
//!
//! # The way of an event
//!
//! ```text
//! file ── format ──▶ Batch ── event::order ──▶ Batch ── event::window, bin ──▶ Spikes
//!                      │            tallies: read = kept + dropped               │
//!                      ▼                                                         ▼
//!        report::manifest   .nir, .synops, .pt ── network ──▶ Network ──▶ engine::clocked
//!                                              (rooms of neuron and layer)       │
//!                                                                                ▼
//! report ◀── measure::energy ◀── measure::counts ◀────── Observer ◀───── spikes, operations
//!                                draw::raster    ◀──────────┘
//! ```
//!
//! [`replay`] is that way in one call. A recording becomes columns of events
//! ([`event::Batch`]); in order and in steps they become the active addresses of
//! each step ([`signal::Spikes`]), which an [`engine`] sends through a
//! [`network::Network`]. Whoever wants to know what happens is an
//! [`engine::Observer`]. What simulators disagree on is data:
//! [`neuron::convention`], by name in [`neuron::preset`].
//!
//! # In a few lines
//!
//! ```
//! use synops::format::Recording;
//! use synops::measure::{Readout, Table, energy};
//! use synops::network::{Network, nir};
//! use synops::replay::{Replay, Settings};
//! use synops::bundled;
//!
//! # fn main() -> synops::error::Result<()> {
//! // somebody waves, circles an arm, rolls both, …; the network tells what
//! let network = Network::new(nir::from_bytes(bundled::NETWORK.bytes.to_vec())?)?;
//! let mut recording = Recording::from_bytes(bundled::RECORDING.name, bundled::RECORDING.bytes)?;
//!
//! let settings = Settings {
//!     dt: network.dt.unwrap(),
//!     conventions: network.convention.clone().unwrap_or_default(),
//!     to: Some("2.4s".parse()?), // the first gesture
//!     ..Settings::default()
//! };
//! let replay = Replay::new(&network, settings)?;
//! let (take, answer) = replay.run(&mut recording, (), |_| ())?;
//!
//! assert_eq!(take.events, answer.cut.kept + answer.cut.total_dropped());
//! let readout = answer.counts.readout(answer.steps);
//! let class = &network.classes.as_ref().unwrap()[readout.prediction().unwrap()];
//! assert_eq!(class, "right hand wave");
//!
//! let table = Table::parse(energy::TABLES[0])?;
//! let joules = table.price(&answer.counts.total()).sum(|term| term.typical);
//! println!("{class}: {joules} by {}", table.name);
//! # Ok(())
//! # }
//! ```
//!
//! # Step by step
//!
//! The same by hand, for input that is in no file and for what no report says: an
//! [`engine::Observer`] that keeps the spikes of one layer, on either engine.
//!
//! ```
//! use synops::bundled;
//! use synops::engine::{Clocked, Engine, EventDriven, Observer};
//! use synops::event::{Batch, Binner, Field, Grid, InputMode};
//! use synops::network::{Network, Unit, nir};
//! use synops::signal::Spikes;
//! use synops::units::Micros;
//!
//! /// Step, neuron and number of every spike of a unit.
//! struct Spy {
//!     unit: usize,
//!     seen: Vec<(u64, u32, u32)>,
//! }
//!
//! impl Observer for Spy {
//!     fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
//!         if unit == self.unit {
//!             self.seen.extend(sent.iter().map(|(neuron, _, count)| (step, neuron, count)));
//!         }
//!     }
//! }
//!
//! fn spikes(engine: &impl Engine, unit: usize, events: &Batch, field: Field) -> Spy {
//!     let (mut state, mut spy) = (engine.start(), Spy { unit, seen: Vec::new() });
//!     let grid = Grid { start: 0, dt: engine.tick() };
//!     let mut binner = Binner::new(grid, field, InputMode::Counts, None);
//!     let mut receive = |tick, input: &Spikes| engine.receive(&mut state, tick, input, &mut spy);
//!     binner.push(events, 0..events.len(), &mut receive);
//!     let ticks = binner.finish(receive);
//!     engine.finish(&mut state, ticks, &mut spy);
//!     spy
//! }
//!
//! # fn main() -> synops::error::Result<()> {
//! // a file would be nir::read(path), or network::file::read of any format
//! let network = Network::new(nir::from_bytes(bundled::NETWORK.bytes.to_vec())?)?;
//! let is_neuron = |unit: usize| matches!(network.units[unit].unit, Unit::Neuron(_));
//! let first = (0..network.units.len()).find(|&unit| is_neuron(unit)).expect("a population");
//! let rules = network.convention.clone().unwrap_or_default();
//! let dt = network.dt.unwrap_or(Micros(1_000));
//!
//! // a bar that moves to the right, a column each millisecond
//! let bar = (0..100u16).flat_map(|x| (32..96).map(move |y| (i64::from(x) * 1_000, x, y, true)));
//! let events: Batch = bar.collect();
//! let field = Field { width: 128, height: 128, channels: 2, channels_first: false };
//!
//! let clocked = spikes(&Clocked::new(&network, &rules, dt)?, first, &events, field);
//! let quanta = EventDriven::in_quanta(&network, &rules, dt)?;
//! assert!(!clocked.seen.is_empty());
//! assert_eq!(clocked.seen, spikes(&quanta, first, &events, field).seen);
//! # Ok(())
//! # }
//! ```
//!
//! A picture is an observer that draws: [`draw::Raster`], whose bands for a network
//! [`report::raster::bands`] makes, is given to [`replay::Replay::run`] and drawn as a
//! [`draw::Scene`]. A report is data: [`report::build::Made`], and [`report::json`] of it.
//! Training is [`train::Config`], [`train::Data`], [`train::Training`] and [`train::finish`],
//! in this order.
//!
//! # The rooms
//!
//! Imports go up this list, never down; `tests/architecture.rs` sees to it.
//!
//! | room | what is in it |
//! |---|---|
//! | [`units`], [`error`], [`disk`], [`digest`], [`record`], [`signal`] | what everybody speaks: times, errors, whole files, digests, named arrays, spikes |
//! | [`bundled`] | a recording and networks that are in the program |
//! | [`event`] | what an event is: columns, order, windows, steps, tallies |
//! | [`mod@format`] | recording formats, one file each |
//! | [`corpus`] | data sets as published: samples, classes, users, parts, defects |
//! | [`neuron`], [`layer`] | models and connections, one file each, with their equations |
//! | [`network`] | graphs, NIR files and our own, state dicts by a mapping, shapes |
//! | [`engine`] | how time advances |
//! | [`learn`] | training: layers with adjoints, losses, rules, optimisers |
//! | [`train`] | what `synops train` does: data, epochs, checkpoints, the trained network |
//! | [`measure`], [`draw`] | observers: counts, joules, pictures |
//! | [`replay`] | the whole way |
//! | [`check`] | every convention against what other simulators made of bundled networks |
//! | [`report`] | results as data, text and JSON |
//! | [`cli`] | the program |

#![deny(missing_docs)]
#![deny(unsafe_code)]

pub mod bundled;
pub mod check;
pub mod cli;
pub mod corpus;
pub mod digest;
pub mod disk;
pub mod draw;
pub mod engine;
pub mod error;
pub mod event;
pub mod format;
pub mod layer;
pub mod learn;
pub mod measure;
pub mod network;
pub mod neuron;
pub mod record;
pub mod replay;
pub mod report;
pub mod signal;
pub mod train;
pub mod units;
