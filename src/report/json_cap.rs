//! Upper bounds on a finding of an event, which has to stay below the length of a container's log line.

use std::borrow::Cow;

use super::json::FindingV1;

impl FindingV1<'_> {
    /// Cuts each list to `most` entries and each text to `longest` bytes; returns the keys that it cut.
    pub(super) fn cap(&mut self, most: usize, longest: usize) -> Vec<&'static str> {
        let mut capped = Vec::new();
        let mut note = |cut: bool, key| {
            if cut {
                capped.push(key);
            }
        };
        note(self.ports.len() > most, "ports");
        first(&mut self.ports, most);
        note(cut(&mut self.peers, most), "peers");
        note(cut(&mut self.networks, most), "networks");
        note(cut(&mut self.times, most), "times");
        note(self.flags.len() > most, "flags");
        let surplus = self.flags.len().saturating_sub(most);
        for _ in 0..surplus {
            self.flags.pop_last();
        }
        let mut is_cut = cut(&mut self.evidence, most);
        for test in &mut self.evidence {
            is_cut |= shorten(&mut test.text, longest);
        }
        note(is_cut, "evidence");
        note(shorten(&mut self.sample, longest), "sample");
        note(self.rules.len() > most, "rules");
        first(&mut self.rules, most);
        capped
    }
}

fn first<T: Clone>(list: &mut Cow<'_, [T]>, most: usize) {
    match list {
        Cow::Borrowed(all) => *all = &all[..all.len().min(most)],
        Cow::Owned(all) => all.truncate(most),
    }
}

fn cut<T>(list: &mut Vec<T>, most: usize) -> bool {
    let longer = list.len() > most;
    list.truncate(most);
    longer
}

/// Cuts `text` to `longest` bytes, before the character that would be cut in two.
fn shorten(text: &mut Cow<'_, str>, longest: usize) -> bool {
    let longer = text.len() > longest;
    let mut end = text.len().min(longest);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    match text {
        Cow::Borrowed(whole) => *whole = &whole[..end],
        Cow::Owned(whole) => whole.truncate(end),
    }
    longer
}
