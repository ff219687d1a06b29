//! Just enough of a JSON reader for what cargo prints, [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259).

/// A JSON value; numbers stay text until somebody counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a whole document.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader { left: text };
        let value = reader.value()?;
        reader.blanks();
        reader.left.is_empty().then_some(value)
    }

    /// The member of an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.members()?
            .iter()
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    pub(crate) fn members(&self) -> Option<&[(String, Self)]> {
        if let Self::Object(members) = self {
            Some(members)
        } else {
            None
        }
    }

    pub(crate) fn list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self {
            Some(items)
        } else {
            None
        }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        if let Self::Number(text) = self {
            text.parse().ok()
        } else {
            None
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }
}

struct Reader<'a> {
    left: &'a str,
}

impl Reader<'_> {
    fn value(&mut self) -> Option<Json> {
        self.blanks();
        match self.left.chars().next()? {
            '{' => self.items('{', '}', Self::member).map(Json::Object),
            '[' => self.items('[', ']', Self::value).map(Json::List),
            '"' => self.text().map(Json::Text),
            _ => self.word(),
        }
    }

    fn member(&mut self) -> Option<(String, Json)> {
        self.blanks();
        let name = self.text()?;
        self.take(':')?;
        Some((name, self.value()?))
    }

    fn items<T>(
        &mut self,
        open: char,
        close: char,
        item: fn(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut items = Vec::new();
        self.take(open)?;
        if self.take(close).is_some() {
            return Some(items);
        }
        loop {
            items.push(item(self)?);
            if self.take(',').is_none() {
                self.take(close)?;
                return Some(items);
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut chars = self.left.strip_prefix('"')?.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => text.push(escaped(&mut chars)?),
                plain => text.push(plain),
            }
        }
        self.left = chars.as_str();
        Some(text)
    }

    fn word(&mut self) -> Option<Json> {
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}');
        let (word, left) = self
            .left
            .split_at(self.left.find(ends).unwrap_or(self.left.len()));
        self.left = left;
        match word {
            "null" => Some(Json::Null),
            "true" => Some(Json::Bool(true)),
            "false" => Some(Json::Bool(false)),
            number => number
                .parse::<f64>()
                .ok()
                .map(|_| Json::Number(number.to_owned())),
        }
    }

    fn take(&mut self, mark: char) -> Option<()> {
        self.blanks();
        self.left = self.left.strip_prefix(mark)?;
        Some(())
    }

    fn blanks(&mut self) {
        self.left = self.left.trim_start();
    }
}

fn escaped(chars: &mut std::str::Chars<'_>) -> Option<char> {
    Some(match chars.next()? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'u' => {
            let digits: String = chars.take(4).collect();
            // Half of a surrogate pair becomes a replacement character: no name that is looked for here has one.
            char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
                .unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        mark @ ('"' | '\\' | '/') => mark,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_kind_of_value() {
        let json = Json::parse(
            r#" {"a": [1, -2.5e3, true, null], "b": {"c": "d\n\u00e9\"\\"}, "e": [], "f": {}} "#,
        )
        .unwrap();
        let number = |text: &str| Json::Number(text.to_owned());
        let list = json.get("a").and_then(Json::list).unwrap();
        assert_eq!(
            list,
            [number("1"), number("-2.5e3"), Json::Bool(true), Json::Null]
        );
        assert_eq!(
            json.get("b").and_then(|b| b.get("c")).and_then(Json::text),
            Some("d\né\"\\")
        );
        assert_eq!(json.get("e"), Some(&Json::List(vec![])));
        assert_eq!(json.get("f"), Some(&Json::Object(vec![])));
        assert_eq!(json.get("g"), None);
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in [
            "",
            "{",
            "[1",
            "[1,]",
            "{\"a\"}",
            "{a: 1}",
            "nul",
            "\"open",
            "1 2",
            "[\"\\x\"]",
            "[1 2]",
        ] {
            assert_eq!(Json::parse(text), None, "{text}");
        }
    }
}
