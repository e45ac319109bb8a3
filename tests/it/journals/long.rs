//! Messages that are longer than any of the kernel's: what they begin with tells what they are, as in every other form.

use super::FIRST;
use super::made::{Made, Packing};
use crate::support::{drop_line, read};

#[test]
fn a_long_message_is_what_it_begins_as() {
    // It hardly packs, so that what is packed is long as well.
    let noise = |n: u32| b'0' + (n.wrapping_mul(2_654_435_761) >> 25) as u8 % 75;
    for length in [70_000_u32, 400_000] {
        let folder = tempfile::tempdir().unwrap();
        let mut made = Made::new(Packing::Zstd);
        for (n, transport) in ["kernel", "stdout", "stdout"].iter().enumerate() {
            let begin = if n == 2 {
                "nothing".to_owned()
            } else {
                drop_line(n)
            };
            let mut message = format!("MESSAGE={begin} ").into_bytes();
            message.extend((0..length).map(noise));
            let transport = format!("_TRANSPORT={transport}");
            let fields: [&[u8]; 3] = [transport.as_bytes(), b"_HOSTNAME=h", &message];
            made.entry(FIRST as u64 + n as u64 * 1000, &fields);
        }
        let path = folder.path().join("long.journal");
        std::fs::write(&path, made.finish()).unwrap();
        let seen = read(&path);
        assert_eq!(seen.errors, [""; 0], "{length}");
        assert_eq!(seen.summary.lines, 3);
        assert_eq!((seen.drops.len(), seen.untrusted.len()), (1, 1), "{length}");
    }
}
