import test from 'ava';
import { BYTE_CHARACTERS, bytesOfToken } from '../../../../engine/text/byte-level.ts';

test('256 bytes have 256 characters, none of them white space or a control character', (t) => {
  t.is(BYTE_CHARACTERS.length, 256);
  t.is(new Set(BYTE_CHARACTERS).size, 256);
  t.deepEqual(
    BYTE_CHARACTERS.filter((character) => /[\p{White_Space}\p{C}]/u.test(character)),
    [],
  );
});

test('the alphabet is the one of GPT-2 at every edge of its ranges', (t) => {
  const expected: [number, string][] = [
    [0x00, 'Ā'],
    [0x0a, 'Ċ'],
    [0x20, 'Ġ'],
    [0x21, '!'],
    [0x7e, '~'],
    [0x7f, 'ġ'],
    [0xa0, 'ł'],
    [0xa1, '¡'],
    [0xac, '¬'],
    [0xad, 'Ń'],
    [0xae, '®'],
    [0xff, 'ÿ'],
  ];
  t.deepEqual(
    expected.map(([byte]) => [byte, BYTE_CHARACTERS[byte]]),
    expected,
  );
});

test('a token is the bytes of its characters, which need not be whole UTF-8', (t) => {
  t.deepEqual([...bytesOfToken('ĠhÃ©')], [...new TextEncoder().encode(' hé')]);
  t.deepEqual([...bytesOfToken('ðŁ')], [0xf0, 0x9f]);
  t.deepEqual([...bytesOfToken('')], []);
});

test('a token with a character outside the alphabet is its own UTF-8', (t) => {
  t.deepEqual([...bytesOfToken('é中')], [...new TextEncoder().encode('é中')]);
});
