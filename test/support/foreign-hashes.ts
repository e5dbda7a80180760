/** The password of all hashes below. */
export const FOREIGN_PASSWORD = 'a violet piano 42';

/** Hashes of one password in the form of each system, with the lowest cost. */
export const FOREIGN_HASHES = {
  bcrypt: '$2b$04$MeiD90XHBuIVxgjXu1yyr.Pj5E65lec40efGzNoI03MKihTPqTvru',
  django: 'pbkdf2_sha256$1000$seasalt$NHhfLskPvk2IGC5Cv9Ek355FwBBOkbhOVyS+4RbSJu4=',
  pbkdf2:
    '$pbkdf2-sha512$i=1000$c29tZSBzYWx0$BjxTbgTngN62//W0zLwykaq/i3YTzP/TTBvwsUlEOmZtZmW/ht+W+Tfm/tAFaQDoNhUfQNwttlcvOemW3wYoEA==',
  scrypt: '$scrypt$ln=4,r=8,p=1$c29tZSBzYWx0$jyePDgzS2WRVhU7I7hUFcAs5ql5JlX4W1DhCuEBuAIM=',
  firebase:
    '$firebase-scrypt$ln=4,r=8,p=1,ss=Bw==,sk=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw==$c29tZSBzYWx0$GUwwPciAkl2Wk0XTLyUWkiy9hWhlH9bZkacVs3LOhVeyulL3ObUJ7T2wqMT3w9P91csSy2T2wDsVor7t50fUSQ==',
  argon2i: '$argon2i$v=19$m=1024,t=2,p=1$fXpT2vWv+Gz/YOXUoN7zRA$UnES4jWrq1ClWncRkKM6kV9Rm35yYZ2sTJofygcDMwQ',
  argon2d: '$argon2d$v=19$m=1024,t=2,p=1$sOuDUEuw3IlKPt19NYn+hA$yqt68kVewwpOreT5uVlvuiuiBZHLKwojyAzzuQfxJ0s',
} as const;
