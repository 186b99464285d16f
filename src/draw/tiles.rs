//! A population as an image: channels as tiles side by side, flat populations wrapped
//! like text. Where neurons outnumber pixels, neighbours share a cell.

use super::scene::Rect;
use crate::signal::Shape;

/// White space between tiles.
const GAP: i32 = 4;
/// Side of the largest cell of a tile.
const LARGEST: i32 = 12;
/// Sides of the smallest and of the largest cell of a flat population.
const SIDES: (i32, i32) = (4, 20);
/// From this size on, a pixel of each cell is left white, to keep neighbours apart.
const ROOMY: i32 = 4;

/// Which cell of an image each neuron has, and where the cells are.
#[derive(Clone, Debug)]
pub struct Tiles {
    neurons: usize,
    /// Rows and columns of one tile in neurons.
    tile: (usize, usize),
    tiles: usize,
    /// Neurons that share a cell, along each axis.
    fold: (usize, usize),
    /// Tiles beside each other.
    across: usize,
    /// Side of a cell in pixels.
    side: i32,
}

impl Tiles {
    /// The largest image of a population that fits into a room of pixels. Channels too many
    /// for tiles are wrapped as a flat population is.
    pub fn new(shape: &Shape, room: (i32, i32)) -> Tiles {
        let folds = || (0..usize::BITS).map(|power| 1usize << power);
        let tiled = match shape.axes() {
            [tiles, rows @ .., columns] if shape.len() > *tiles => {
                let tile = (rows.iter().product(), *columns);
                let best = |fold| {
                    let beside = (1..=*tiles).map(|n| Tiles::beside(*tiles, tile, fold, n, room));
                    beside.max_by_key(|image| image.side)
                };
                let worth = folds().take_while(|&fold| fold < 2 * tile.0.max(tile.1));
                worth.filter_map(best).find(|image| image.side > 0)
            }
            _ => None,
        };
        let wrapped = || folds().find_map(|fold| Tiles::wrapped(shape.len(), fold, room));
        tiled.or_else(wrapped).expect("a single cell fits any room")
    }

    /// Tiles of a shape with channels, so many beside each other; of side 0 if they do not fit.
    fn beside(
        tiles: usize,
        tile: (usize, usize),
        fold: usize,
        across: usize,
        room: (i32, i32),
    ) -> Tiles {
        let mut out = Tiles {
            neurons: tiles * tile.0 * tile.1,
            tile,
            tiles,
            fold: (fold, fold),
            across,
            side: 0,
        };
        let (rows, columns) = out.cells_of_tile();
        let share = |room: i32, tiles: usize, cells: usize| {
            let gaps = GAP * (tiles as i32 - 1);
            (room - gaps).max(0) / (tiles * cells) as i32
        };
        let side = share(room.0, across, columns).min(share(room.1, tiles.div_ceil(across), rows));
        out.side = side.min(LARGEST);
        out
    }

    /// A flat population in lines as long as the room is wide.
    fn wrapped(neurons: usize, fold: usize, room: (i32, i32)) -> Option<Tiles> {
        let cells = neurons.div_ceil(fold);
        let lines = |side: i32| {
            let columns = ((room.0 / side) as usize).min(cells).max(1);
            // as many in each line, so far as that goes
            let rows = cells.div_ceil(columns);
            (side, cells.div_ceil(rows), rows)
        };
        let fits = |&(side, _, rows): &(i32, usize, usize)| rows as i32 * side <= room.1;
        let last = if cells == 1 { 1 } else { SIDES.0 };
        let (side, columns, rows) = (last..=SIDES.1).rev().map(lines).find(fits)?;
        let (tile, fold) = ((rows, columns * fold), (1, fold));
        Some(Tiles { neurons, tile, tiles: 1, fold, across: 1, side })
    }

    fn cells_of_tile(&self) -> (usize, usize) {
        (self.tile.0.div_ceil(self.fold.0), self.tile.1.div_ceil(self.fold.1))
    }

    /// Number of cells.
    pub fn cells(&self) -> usize {
        let (rows, columns) = self.cells_of_tile();
        self.tiles * rows * columns
    }

    /// Neurons in a full cell.
    pub fn per_cell(&self) -> usize {
        self.fold.0 * self.fold.1
    }

    /// The cell of a neuron, which is counted as files count.
    pub fn cell(&self, neuron: usize) -> usize {
        debug_assert!(neuron < self.neurons);
        let ((rows, columns), (_, width)) = (self.cells_of_tile(), self.tile);
        let pixels = self.tile.0 * width;
        let (tile, pixel) = (neuron / pixels, neuron % pixels);
        let (row, column) = (pixel / width / self.fold.0, pixel % width / self.fold.1);
        (tile * rows + row) * columns + column
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (i32, i32) {
        let (width, height) = self.tile_size();
        let down = self.tiles.div_ceil(self.across) as i32;
        (self.across as i32 * (width + GAP) - GAP, down * (height + GAP) - GAP)
    }

    fn tile_size(&self) -> (i32, i32) {
        let (rows, columns) = self.cells_of_tile();
        (columns as i32 * self.side, rows as i32 * self.side)
    }

    /// Where a cell is in the image.
    pub fn place(&self, cell: usize) -> Rect {
        let (rows, columns) = self.cells_of_tile();
        let (width, height) = self.tile_size();
        let (tile, cell) = (cell / (rows * columns), cell % (rows * columns));
        let x = (tile % self.across) as i32 * (width + GAP) + (cell % columns) as i32 * self.side;
        let y = (tile / self.across) as i32 * (height + GAP) + (cell / columns) as i32 * self.side;
        let drawn = if self.side >= ROOMY { self.side - 1 } else { self.side };
        Rect::new(x, y, drawn, drawn)
    }

    /// Where cells are whose neurons exist: what lies behind the marks.
    pub fn ground(&self) -> Vec<Rect> {
        let last = self.cell(self.neurons - 1);
        (0..=last).map(|cell| self.place(cell)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tiles(axes: &[usize], room: (i32, i32)) -> Tiles {
        Tiles::new(&Shape::new(axes).unwrap(), room)
    }

    #[test]
    fn channels_are_tiles_and_flat_populations_wrap() {
        // three tiles of 4 × 5 cells of 12 pixels beside each other: 3 · 60 + 2 · 4
        let image = tiles(&[3, 4, 5], (200, 60));
        assert_eq!(image.size(), (188, 48));
        // channel 1, row 2, column 3: 64 + 36, 24
        assert_eq!(image.place(image.cell(20 + 13)), Rect::new(100, 24, 11, 11));
        // 30 neurons in four lines of 8, of which the last has 6
        let image = tiles(&[30], (120, 60));
        assert_eq!(image.size(), (120, 60));
        assert_eq!(image.place(image.cell(25)), Rect::new(15, 45, 14, 14));
    }

    #[test]
    fn crowds_share_cells() {
        let image = tiles(&[1, 128, 128], (64, 64));
        assert_eq!((image.size(), image.per_cell()), ((64, 64), 4));
        assert_eq!(image.cell(0), image.cell(129));
        assert_ne!(image.cell(0), image.cell(2));
    }

    proptest! {
        #[test]
        fn every_neuron_is_in_the_room(
            axes in prop::collection::vec(1usize..40, 1..4), more in 1usize..60, w in 40..400i32, h in 20..200i32,
        ) {
            let axes = [&[axes[0] * more], &axes[1..]].concat();
            let image = tiles(&axes, (w, h));
            prop_assert!(image.size().0 <= w && image.size().1 <= h);
            for neuron in 0..axes.iter().product() {
                let cell = image.cell(neuron);
                prop_assert!(cell < image.cells());
                let place = image.place(cell);
                prop_assert!(place.right() <= image.size().0 && place.bottom() <= image.size().1);
                prop_assert!(place.x >= 0 && place.y >= 0 && place.w > 0);
            }
        }
    }
}
