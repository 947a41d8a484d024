//! A stream of bytes: the same lines come out however it came in pieces.

use keybearer_ipc::frame::{FrameError, LIMIT, Lines};

/// Takes the first four bytes as the sizes of the pieces in which the rest comes.
pub fn check(bytes: &[u8]) {
    let Some((sizes, stream)) = bytes.split_first_chunk::<4>() else { return };
    // Longer than a line may be, so that the limit is reached as well.
    let long = stream.repeat(if sizes[0] == u8::MAX { LIMIT / stream.len().max(1) + 2 } else { 1 });
    let (mut lines, mut came) = (Lines::default(), Vec::new());
    let (mut rest, mut sizes) = (&long[..], sizes.iter().map(|size| usize::from(*size) + 1).cycle());
    while !rest.is_empty() && came.last() != Some(&Err(FrameError::TooLong)) {
        let size = sizes.next().unwrap_or(1).min(rest.len());
        lines.room().extend_from_slice(&rest[..size]);
        rest = &rest[size..];
        while came.last() != Some(&Err(FrameError::TooLong)) {
            match lines.next(|line| line.map(<[u8]>::to_vec)) {
                Some(line) => came.push(line),
                None => break,
            }
        }
    }
    assert_eq!(came, expected(&long), "the lines depend on the pieces");
    let is_over = came.last() == Some(&Err(FrameError::TooLong));
    assert!(is_over || lines.is_partial() == long.last().is_some_and(|byte| *byte != b'\n'));
}

/// The lines of the whole.
fn expected(stream: &[u8]) -> Vec<Result<Vec<u8>, FrameError>> {
    let mut lines = Vec::new();
    let mut rest = stream;
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n');
        match end {
            Some(end) if end < LIMIT => lines.push(Ok(rest[..end].to_vec())),
            None if rest.len() < LIMIT => return lines,
            Some(_) | None => {
                lines.push(Err(FrameError::TooLong));
                return lines;
            }
        }
        rest = &rest[end.unwrap_or_default() + 1..];
    }
}
