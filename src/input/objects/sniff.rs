//! Distinguishes Kubernetes objects from logs by their first bytes, and explains why a text has none.

use memchr::memmem;

/// Command that prints the objects that are read.
pub const COMMAND: &str = "kubectl get nodes,cloudinits.node.harvesterhci.io,addons.harvesterhci.io,upgrades.harvesterhci.io -A -o yaml";

/// Whether a text that starts with `head` consists of Kubernetes objects, as YAML or JSON: their first key decides,
/// since logs do not start with it. Exceptions are events of the API server and its audit log, which are logs.
pub fn is_objects(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let mut rest = head;
    loop {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest[..end].trim_ascii();
        let is_passed = line.is_empty()
            || line.starts_with(b"#")
            || line.starts_with(b"---")
            || is_message(&rest[..end]);
        if !is_passed {
            break;
        }
        match rest.get(end + 1..) {
            Some(next) => rest = next,
            None => return false,
        }
    }
    if let Some(object) = rest.trim_ascii_start().strip_prefix(b"{") {
        let first = object.trim_ascii_start();
        let is_first = |key: &&str| {
            let key = format!("\"{key}\"");
            first.starts_with(key.as_bytes())
                && first[key.len()..].trim_ascii_start().starts_with(b":")
        };
        return FIRST_KEYS.iter().any(is_first)
            && (memmem::find(first, b"\"kind\"").is_some())
            && !OTHER_KINDS.iter().any(|kind| has_kind(first, kind));
    }
    // A key at the margin, with nothing before it.
    FIRST_KEYS.iter().any(|key| {
        let after = rest
            .strip_prefix(key.as_bytes())
            .and_then(|after| after.strip_prefix(b":"));
        after.is_some_and(|after| after.first().is_none_or(u8::is_ascii_whitespace))
    })
}

/// The first keys of an object as `kubectl` and the API server print them.
const FIRST_KEYS: [&str; 3] = ["apiVersion", "kind", "items"];
/// Kinds that are logs themselves, an object a line.
const OTHER_KINDS: [&str; 2] = ["Event", "EventList"];

/// Whether the first `kind` in a JSON text is this one.
fn has_kind(text: &[u8], kind: &str) -> bool {
    let Some(at) = memmem::find(text, b"\"kind\"") else {
        return false;
    };
    let value = text[at + 6..].trim_ascii_start();
    let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii_start();
    value.starts_with(format!("\"{kind}\"").as_bytes())
}

/// Whether a line is a message of `kubectl`, which stands among the objects where both of its outputs were saved.
pub(super) fn is_message(line: &[u8]) -> bool {
    const BEGINS: [&[u8]; 6] = [
        b"Error from server",
        b"error: ",
        b"Warning: ",
        b"No resources found",
        b"Unable to connect",
        b"The connection to the server",
    ];
    BEGINS.iter().any(|begin| line.starts_with(begin)) || is_klog(line)
}

/// Whether a line is of the log of `kubectl` itself: `E1125 10:00:00.123456   4242 memcache.go:265] …`.
fn is_klog(line: &[u8]) -> bool {
    matches!(line, [b'I' | b'W' | b'E' | b'F', a, b, c, d, b' ', ..]
        if [a, b, c, d].into_iter().all(u8::is_ascii_digit))
        && memmem::find(line, b"] ").is_some()
}

/// Returns the reason why a text has no objects, and the remedy.
pub(super) fn why_none(text: &str) -> String {
    let mut lines = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty());
    let Some(first) = lines.next() else {
        return format!("it is empty; save the objects in it: {COMMAND}");
    };
    let said = text
        .lines()
        .find(|line| is_message(line.as_bytes()))
        .unwrap_or(first);
    let said: String = said.chars().take(200).collect();
    if text.contains("Error from server (Forbidden)") {
        return format!(
            "kubectl was not allowed to read them: `{said}`; use an account that may list them, or leave out what it may not list"
        );
    }
    if text.contains("the server doesn't have a resource type") {
        return format!(
            "the cluster does not have all of these kinds: `{said}`; leave that one out, `kubectl get nodes -o yaml` does for roles"
        );
    }
    if is_message(first.as_bytes()) && first.starts_with("No resources") {
        return format!(
            "kubectl found none: `{said}`; is it the right cluster? `kubectl config current-context` says"
        );
    }
    if is_message(first.as_bytes()) {
        return format!("kubectl failed: `{said}`; mend that, then: {COMMAND}");
    }
    let words: Vec<&str> = first.split_whitespace().collect();
    let is_heading = |word: &&str| {
        word.bytes()
            .all(|b| b.is_ascii_uppercase() || b"-()".contains(&b))
    };
    if words.len() > 1 && ["NAME", "NAMESPACE"].contains(&words[0]) && words.iter().all(is_heading)
    {
        return "it is the table that `kubectl get` prints; add -o yaml".to_owned();
    }
    if first.starts_with("Name:") {
        return "it is what `kubectl describe` prints; use `kubectl get` with -o yaml".to_owned();
    }
    format!("it has no Kubernetes objects; save them with: {COMMAND}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_told_from_logs() {
        for objects in [
            "apiVersion: v1\nitems:\n- kind: Node\n",
            "\u{feff}apiVersion: v1\nkind: Node\n",
            "---\n# saved in May\nkind: List\n",
            "items:\n",
            "Error from server (Forbidden): upgrades is forbidden\napiVersion: v1\n",
            "E1125 10:00:00.123456    4242 memcache.go:265] couldn't get resource list\napiVersion: v1\n",
            "{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n {\"kind\": \"Node\"",
            "{\"kind\":\"NodeList\",\"apiVersion\":\"v1\"",
        ] {
            assert!(is_objects(objects.as_bytes()), "{objects}");
        }
        for log in [
            "",
            "\n",
            "May 05 04:40:28 harvester1 kernel: HARVESTER_DROP_IN=mgmt-br\n",
            "{\"MESSAGE\":\"kind: apiVersion\",\"kind\":1}\n",
            "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"Metadata\"}\n",
            "{\"apiVersion\":\"v1\",\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"Event\"}]}",
            "kind:of a log line\n",
            "  kind: List\n",
            "W1125 no log of kubectl\n",
            "NAME STATUS ROLES\n",
        ] {
            assert!(!is_objects(log.as_bytes()), "{log}");
        }
    }

    #[test]
    fn what_is_none_is_named() {
        for (text, part) in [
            ("", "it is empty"),
            (
                "NAME         STATUS   ROLES    AGE   VERSION\nharvester1   Ready    worker   9d    v1\n",
                "add -o yaml",
            ),
            ("NAMESPACE   NAME\na  b\n", "add -o yaml"),
            (
                "Name:               harvester1\nRoles:  worker\n",
                "describe",
            ),
            (
                "Error from server (Forbidden): nodes is forbidden: User \"x\"\n",
                "was not allowed",
            ),
            (
                "error: the server doesn't have a resource type \"upgrades\"\n",
                "leave that one out",
            ),
            ("No resources found\n", "current-context"),
            (
                "The connection to the server localhost:8080 was refused\n",
                "kubectl failed",
            ),
            ("hello\n", "has no Kubernetes objects"),
        ] {
            let why = why_none(text);
            assert!(why.contains(part), "{text}: {why}");
        }
    }
}
