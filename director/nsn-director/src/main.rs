fn main() {
    println!("nsn-director {}", env!("CARGO_PKG_VERSION"));
}
