//! What a browser and a Markdown parser make of an output.

use std::cell::{Cell, RefCell};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// An element of a page, with what its tag says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    /// The text directly behind its tag.
    pub(crate) text: String,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let own = self.attributes.iter().find(|(own, _)| own == name);
        own.map(|(_, value)| value.as_str())
    }

    pub(crate) fn is(&self, name: &str, class: &str) -> bool {
        let mut classes = self.attribute("class").unwrap_or_default().split(' ');
        self.name == name && classes.any(|own| own == class)
    }
}

/// Elements and comments of a page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) elements: RefCell<Vec<Element>>,
    pub(crate) comments: Cell<usize>,
    /// Errors of the tokenizer.
    pub(crate) errors: RefCell<Vec<String>>,
}

impl TokenSink for Page {
    type Handle = ();

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(Tag {
                kind: TagKind::StartTag,
                name,
                attrs,
                ..
            }) => {
                let attributes = attrs
                    .iter()
                    .map(|attr| (attr.name.local.to_string(), attr.value.to_string()));
                let element = Element {
                    name: name.to_string(),
                    attributes: attributes.collect(),
                    text: String::new(),
                };
                self.elements.borrow_mut().push(element);
                match &*name {
                    "script" => return TokenSinkResult::RawData(RawKind::ScriptData),
                    "style" => return TokenSinkResult::RawData(RawKind::Rawtext),
                    "title" => return TokenSinkResult::RawData(RawKind::Rcdata),
                    _ => {}
                }
            }
            Token::CharacterTokens(text) => {
                if let Some(last) = self.elements.borrow_mut().last_mut() {
                    last.text.push_str(&text);
                }
            }
            Token::CommentToken(_) => self.comments.set(self.comments.get() + 1),
            Token::ParseError(why) => self.errors.borrow_mut().push(format!("{line}: {why}")),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// Parses a page as browsers do.
pub(crate) fn page(text: &str) -> Page {
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from_slice(text));
    let options = TokenizerOpts {
        exact_errors: true,
        ..TokenizerOpts::default()
    };
    let tokenizer = Tokenizer::new(Page::default(), options);
    while let html5ever::TokenizerResult::Script(()) = tokenizer.feed(&queue) {}
    tokenizer.end();
    tokenizer.sink
}

/// Elements that pages have.
const ELEMENTS: &[&str] = &[
    "a",
    "b",
    "body",
    "button",
    "caption",
    "code",
    "dd",
    "defs",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "head",
    "header",
    "html",
    "input",
    "label",
    "li",
    "line",
    "main",
    "meta",
    "option",
    "output",
    "p",
    "path",
    "pattern",
    "pre",
    "rect",
    "script",
    "section",
    "select",
    "small",
    "span",
    "strong",
    "style",
    "summary",
    "svg",
    "table",
    "tbody",
    "td",
    "text",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
];

/// Attributes that pages have: none runs a script, loads anything, or is a style.
const ATTRIBUTES: &[&str] = &[
    "aria-hidden",
    "aria-label",
    "aria-labelledby",
    "aria-live",
    "autocomplete",
    "charset",
    "class",
    "content",
    "d",
    "data-node",
    "data-verdict",
    "fill",
    "focusable",
    "height",
    "href",
    "http-equiv",
    "id",
    "lang",
    "name",
    "patternTransform",
    "patternUnits",
    "patterntransform",
    "patternunits",
    "placeholder",
    "preserveaspectratio",
    "role",
    "scope",
    "tabindex",
    "text-anchor",
    "type",
    "value",
    "vector-effect",
    "viewbox",
    "width",
    "x",
    "x1",
    "x2",
    "y",
    "y1",
    "y2",
];

/// Returns what a page has that none of this program has, whatever the log said.
pub(crate) fn foreign(text: &str) -> Vec<String> {
    let page = page(text);
    let mut wrong = page.errors.take();
    if page.comments.get() > 0 {
        wrong.push("it has a comment".to_owned());
    }
    let elements = page.elements.take();
    for element in &elements {
        if !ELEMENTS.contains(&element.name.as_str()) {
            wrong.push(format!("it has an element {}", element.name));
        }
        for (name, value) in &element.attributes {
            if !ATTRIBUTES.contains(&name.as_str()) {
                wrong.push(format!("it has an attribute {name}"));
            }
            if name == "href" && !value.starts_with('#') {
                wrong.push(format!("it leads to {value}"));
            }
        }
    }
    for (name, most) in [("script", 2), ("style", 1), ("title", 1), ("body", 1)] {
        let number = elements.iter().filter(|one| one.name == name).count();
        if number > most {
            wrong.push(format!("it has {number} elements {name}"));
        }
    }
    wrong
}
