import test from 'ava';
import { strftime } from '../../../../../engine/text/jinja/strftime.ts';

/** What Python's datetime.strftime gives: before and at noon and midnight, ends of years, a leap day. */
const RECORDED: readonly (readonly [date: Date, texts: Readonly<Record<string, string>>])[] = [
  [
    new Date(2026, 0, 1, 0, 0, 0),
    {
      '%d %-d %e|%m %-m|%y %Y|%j %-j': '01 1  1|01 1|26 2026|001 1',
      '%H %-H|%I %-I %p|%M %-M|%S %-S|%f': '00 0|12 12 AM|00 0|00 0|000000',
      '%a %A|%b %B %h|%w %u': 'Thu Thursday|Jan January Jan|4 4',
      '%c|%x %D|%X %T|%R|%F|%n%t%%%z%Z|':
        'Thu Jan  1 00:00:00 2026|01/01/26 01/01/26|00:00:00 00:00:00|00:00|2026-01-01|\n\t%|',
    },
  ],
  [
    new Date(2024, 11, 31, 12, 5, 9, 7),
    {
      '%d %-d %e|%m %-m|%y %Y|%j %-j': '31 31 31|12 12|24 2024|366 366',
      '%H %-H|%I %-I %p|%M %-M|%S %-S|%f': '12 12|12 12 PM|05 5|09 9|007000',
      '%a %A|%b %B %h|%w %u': 'Tue Tuesday|Dec December Dec|2 2',
      '%c|%x %D|%X %T|%R|%F|%n%t%%%z%Z|':
        'Tue Dec 31 12:05:09 2024|12/31/24 12/31/24|12:05:09 12:05:09|12:05|2024-12-31|\n\t%|',
    },
  ],
  [
    new Date(2024, 1, 29, 13, 59, 59),
    {
      '%d %-d %e|%m %-m|%y %Y|%j %-j': '29 29 29|02 2|24 2024|060 60',
      '%H %-H|%I %-I %p|%M %-M|%S %-S|%f': '13 13|01 1 PM|59 59|59 59|000000',
      '%a %A|%b %B %h|%w %u': 'Thu Thursday|Feb February Feb|4 4',
      '%c|%x %D|%X %T|%R|%F|%n%t%%%z%Z|':
        'Thu Feb 29 13:59:59 2024|02/29/24 02/29/24|13:59:59 13:59:59|13:59|2024-02-29|\n\t%|',
    },
  ],
  [
    new Date(2023, 7, 6, 11, 30, 0, 250),
    {
      '%d %-d %e|%m %-m|%y %Y|%j %-j': '06 6  6|08 8|23 2023|218 218',
      '%H %-H|%I %-I %p|%M %-M|%S %-S|%f': '11 11|11 11 AM|30 30|00 0|250000',
      '%a %A|%b %B %h|%w %u': 'Sun Sunday|Aug August Aug|0 7',
      '%c|%x %D|%X %T|%R|%F|%n%t%%%z%Z|':
        'Sun Aug  6 11:30:00 2023|08/06/23 08/06/23|11:30:00 11:30:00|11:30|2023-08-06|\n\t%|',
    },
  ],
];

for (const [date, texts] of RECORDED) {
  test(`a time is written as in Python: ${date.toDateString()} ${date.getHours()} h`, (t) => {
    for (const [format, expected] of Object.entries(texts)) t.is(strftime(date, format), expected, format);
  });
}
