//! Commands on lines of their own, to be pasted.

use std::io;

use super::page::Page;

/// Writes a command of `words`, each of which stays whole, `indent` columns from the left; a line but the last ends in `\`.
pub(super) fn words(page: &mut Page<'_>, indent: usize, words: &[String]) -> io::Result<()> {
    let (pad, width) = (" ".repeat(indent), page.style.width);
    let mut line = pad.clone();
    let mut places = words.iter().peekable();
    let mut is_empty = true;
    while let Some(word) = places.next() {
        let display = textwrap::core::display_width;
        // If another word follows, ` \` must fit behind this one.
        let tail = if places.peek().is_some() { 2 } else { 0 };
        if !is_empty && display(&line) + 1 + display(word) + tail > width {
            page.line(&format!("{line} \\"))?;
            line = format!("{pad}  ");
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    page.line(&line)
}

/// Returns a command in lines of at most `width` columns, as far as its parts allow: each is an option with its values,
/// or a command behind a pipe. Each line but the last ends in `\`.
pub(in crate::report) fn broken(command: &str, width: usize) -> Vec<String> {
    let mut quoted = None;
    let words = command.split(|c| {
        match (quoted, c) {
            (None, '\'' | '"') => quoted = Some(c),
            (Some(quote), c) if quote == c => quoted = None,
            _ => {}
        }
        c == ' ' && quoted.is_none()
    });
    let mut parts: Vec<String> = Vec::new();
    for word in words {
        match parts.last_mut() {
            Some(part) if !word.starts_with(['-', '|']) || part.starts_with('|') && word != "|" => {
                part.push(' ');
                part.push_str(word);
            }
            _ => parts.push(word.to_owned()),
        }
    }
    let mut lines: Vec<String> = Vec::new();
    let last = parts.len().saturating_sub(1);
    for (place, part) in parts.into_iter().enumerate() {
        // Where another part follows, ` \` may have to stand behind this one.
        let tail = if place == last { 0 } else { 2 };
        match lines.last_mut() {
            Some(line) if line.len() + 1 + part.len() + tail <= width => {
                line.push(' ');
                line.push_str(&part);
            }
            Some(line) => {
                line.push_str(" \\");
                lines.push(format!("  {part}"));
            }
            None => lines.push(part),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::broken;

    #[test]
    fn commands_break_between_options() {
        let command = "iptables -I HARVESTER_INPUT 2 -p tcp --dport 2112 -m comment --comment \"kube-vip Prometheus metrics\" -j ACCEPT";
        for width in [30, 40, 70, 130, 500] {
            let lines = broken(command, width);
            let joined: Vec<&str> = lines
                .iter()
                .map(|line| line.trim_start().trim_end_matches(" \\"))
                .collect();
            assert_eq!(joined.join(" "), command, "{width}");
            let fit = |line: &&String| line.len() <= width.max(46);
            assert!(lines.iter().all(|line| fit(&line)), "{width}: {lines:?}");
            let (last, others) = lines.split_last().unwrap();
            assert!(!last.ends_with('\\') && others.iter().all(|line| line.ends_with(" \\")));
        }
        assert_eq!(broken(command, 70).len(), 2);
    }
}
