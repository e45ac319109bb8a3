//! Names of months: the output of `strftime` for `%b` in common languages.
//!
//! From the `abmon` and `ab_alt_mon` of glibc's locales. Where two languages use one name for different months, the
//! larger language wins (`lis` is Polish and Czech, not Croatian).

/// Returns the number of the month that `name` is short for, 1 to 12.
pub(in crate::input) fn month_of(name: &[u8]) -> Option<u8> {
    if let Some(month) = english(name) {
        return Some(month);
    }
    // The host of a line without a month comes here too, and is no month.
    let first = name.first()?;
    if name.len() >= 32 || LENGTHS[usize::from(*first)] >> name.len() & 1 == 0 {
        return None;
    }
    let at = OTHERS
        .iter()
        .position(|names| names.iter().any(|m| m.as_bytes() == name))?;
    Some(at as u8 + 1)
}

/// Most logs are in English, and a match on three bytes is one comparison.
const fn english(name: &[u8]) -> Option<u8> {
    Some(match name {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

/// Lengths of the names that start with a byte, one bit each.
static LENGTHS: [u32; 256] = {
    let mut lengths = [0; 256];
    let mut month = 0;
    while month < OTHERS.len() {
        let names = OTHERS[month];
        let mut at = 0;
        while at < names.len() {
            let name = names[at].as_bytes();
            assert!(name.len() < 32, "a length is a bit");
            lengths[name[0] as usize] |= 1 << name.len();
            at += 1;
        }
        month += 1;
    }
    lengths
};

/// January to December in the other languages.
#[rustfmt::skip]
const OTHERS: [&[&str]; 12] = [
    &["1月", "1월", "Jän", "Oca", "ene", "gen", "gen.", "ian", "jaan", "jan", "jan.", "janv.", "led", "saus.",
      "sij", "sty", "tammi", "Ιαν", "січ", "янв", "яну", "ינו", "جانفي", "ينا", "يناير", "जन॰", "一月"],
    &["2月", "2월", "feb", "feb.", "febr", "febr.", "fev", "fév", "févr.", "helmi", "lut", "vas.", "veebr", "velj",
      "úno", "Şub", "Φεβ", "лют", "фев", "פבר", "شباط", "فبر", "فبراير", "فيفري", "फ़र॰", "二月"],
    &["3月", "3월", "Mär", "bře", "kov.", "maalis", "mar", "mars", "març", "mrt", "márc", "märts", "ožu", "Μάρ",
      "Μαρ", "бер", "мар", "מרץ", "آذار", "مار", "مارس", "मार्च", "三月"],
    &["4月", "4월", "Nis", "abr", "abr.", "apr", "april", "avr", "avril", "bal.", "dub", "d’abr.", "huhti", "kwi",
      "tra", "ápr", "Απρ", "апр", "кві", "אפר", "أبر", "أبريل", "أفريل", "نيسان", "अप्रैल", "四月"],
    &["5月", "5월", "Mai", "Mei", "geg.", "kvě", "mag", "mai", "maig", "maj", "may", "mei", "máj", "svi", "touko",
      "Μάι", "Μαΐ", "май", "мая", "тра", "מאי", "أيار", "ماي", "مايو", "मई", "五月"],
    &["6月", "6월", "Haz", "birž.", "cze", "giu", "iun", "juin", "jun", "juni", "juny", "juuni", "jún", "jūn",
      "kesä", "čen", "Ιουν", "Ιούν", "июн", "чер", "юни", "יונ", "جوان", "حزيران", "يون", "يونيو", "जून", "六月"],
    &["7月", "7월", "Tem", "heinä", "iul", "jui", "juil.", "jul", "jul.", "juli", "juuli", "júl", "jūl", "liep.",
      "lug", "čec", "Ιουλ", "Ιούλ", "июл", "лип", "юли", "יול", "تموز", "جويلية", "يول", "يوليو", "يوليوز",
      "जुल॰", "七月", "lip"],
    &["8月", "8월", "Agu", "Ağu", "ag.", "ago", "aoû", "août", "aug", "aug.", "avg", "d’ag.", "elo", "kol", "rugp.",
      "sie", "Αυγ", "Αύγ", "авг", "сер", "אוג", "آب", "أغس", "أغسطس", "أوت", "غشت", "अग॰", "八月", "srp"],
    &["9月", "9월", "Eyl", "rugs.", "sep", "sep.", "sept", "sept.", "set", "set.", "syys", "szept", "wrz", "zář",
      "Σεπ", "вер", "сен", "сеп", "ספט", "أيلول", "سبت", "سبتمبر", "شتنبر", "सित॰", "九月", "ruj"],
    &["10月", "10월", "Eki", "Okt", "d’oct.", "loka", "oct", "oct.", "okt", "okt.", "ott", "paź", "spal.", "říj",
      "Οκτ", "жов", "окт", "אוק", "أكت", "أكتوبر", "अक्तू॰", "十月", "out"],
    &["11月", "11월", "lapkr.", "marras", "nov", "nov.", "stu", "Νοέ", "Νοε", "лис", "ное", "ноя", "נוב", "نوف",
      "نوفمبر", "نونبر", "नव॰", "十一月", "lis", "Kas"],
    &["12月", "12월", "Ara", "Des", "Dez", "dec", "des.", "dets", "dez", "dic", "déc", "déc.", "gru", "gruod.",
      "joulu", "pro", "Δεκ", "гру", "дек", "דצמ", "دجنبر", "ديس", "ديسمبر", "दिस॰", "十二月"],
];
