const CHARACTERS = /^[\p{L}\p{M}\p{N}@.+_-]{1,150}$/u;
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/u;
const FIRST = /^[\p{L}\p{N}]/u;
/** Languages put up to three marks on a letter; longer runs cover the lines above and below. */
const MARKS = /\p{M}{4}/u;

/** Writing systems that combine scripts, by the highly restrictive profile of UTS 39 section 5.2. */
const SCRIPT_COMBINATIONS = [
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Bopomofo'],
  ['Latin', 'Han', 'Hangul'],
];

/** The scripts in everyday use that stand alone: UAX 31 tables 5 and 7. */
const SINGLE_SCRIPTS = (
  'Arabic Armenian Bengali Cyrillic Devanagari Ethiopic Georgian Greek Gujarati Gurmukhi Hebrew Kannada Khmer Lao ' +
  'Malayalam Myanmar Oriya Sinhala Tamil Telugu Thaana Thai Tibetan Adlam Balinese Bamum Batak Canadian_Aboriginal ' +
  'Chakma Cham Cherokee Hanifi_Rohingya Javanese Kayah_Li Lepcha Limbu Lisu Mandaic Meetei_Mayek Miao Mongolian ' +
  'New_Tai_Lue Newa Nko Nyiakeng_Puachue_Hmong Ol_Chiki Osage Saurashtra Sundanese Syloti_Nagri Syriac Tai_Le ' +
  'Tai_Tham Tai_Viet Tifinagh Vai Wancho Yi'
).split(' ');

const WRITING_SYSTEMS = [...SCRIPT_COMBINATIONS, ...SINGLE_SCRIPTS.map((script) => [script])].map(
  (scripts) =>
    new RegExp(
      `^[${['Common', 'Inherited', ...scripts].map((script) => `\\p{scx=${script}}`).join('')}]+$`,
      'u',
    ),
);

/**
 * Why a name is not valid for a new account, as the end of a sentence; null if it is valid. The rules keep a new name
 * from looking like an existing one (RFC 8265, UTS 39). Existing and imported names are not checked.
 */
export function usernameFault(username: string): string | null {
  const name = username.normalize('NFKC');
  if (!CHARACTERS.test(name)) return 'must be at most 150 letters, digits and @ . + - _';
  if (INVISIBLE.test(username)) return 'must not contain invisible characters';
  if (!FIRST.test(name)) return 'must begin with a letter or a digit';
  if (MARKS.test(name.normalize('NFD'))) return 'must not have more than three marks on a letter';
  if (!WRITING_SYSTEMS.some((system) => system.test(name)))
    return 'must not mix scripts, such as Latin and Cyrillic';
  return null;
}
