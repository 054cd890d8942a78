// Functions of Rust with parameters of its kinds.
pub struct Point {
    pub x: i32,
    pub y: u64,
}

pub enum Shape {
    Circle(u32),
    Square { side: u64 },
}

#[no_mangle]
#[inline(never)]
pub extern "C" fn r_point(p: &Point, n: u32) -> u32 {
    std::hint::black_box(p.x as u32 + n)
}

#[no_mangle]
#[inline(never)]
pub fn r_text(text: &str, flag: bool) -> usize {
    std::hint::black_box(text.bytes().filter(|b| *b == b'l').count() + flag as usize)
}

#[no_mangle]
#[inline(never)]
pub fn r_shape(shape: &Shape) -> u64 {
    match shape {
        Shape::Circle(r) => std::hint::black_box(*r as u64),
        Shape::Square { side } => std::hint::black_box(*side),
    }
}

fn main() {
    let p = Point { x: 3, y: 4 };
    r_point(&p, 5);
    r_text("hello", true);
    r_shape(&Shape::Circle(7));
    r_shape(&Shape::Square { side: 8 });
}
