//! A picture for every number: no word of one equals the word at the same place of another.

pub fn word(number: u64, index: u32) -> u32 {
    let mixed = (number as u32).wrapping_mul(0x9E37_79B1).wrapping_add(index.wrapping_mul(0x0100_0193));
    mixed ^ (mixed >> 15)
}

pub fn fill(image: &mut [u8], number: u64) {
    for (index, bytes) in image.chunks_exact_mut(4).enumerate() {
        bytes.copy_from_slice(&word(number, index as u32).to_le_bytes());
    }
}

pub fn count_wrong(image: &[u8], number: u64) -> usize {
    image
        .chunks_exact(4)
        .enumerate()
        .filter(|(index, bytes)| **bytes != word(number, *index as u32).to_le_bytes())
        .count()
}
