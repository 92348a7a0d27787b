import { json } from "./json.ts";

/**
 * A small byte-level BPE tokenizer of CLIP's kind: every byte, every byte at a word's end, a few
 * merges, and the two special tokens. The files are those of the openai/clip repositories.
 */
export function clipTokenizer(): Map<string, Buffer> {
  const bytes = byteSymbols();
  const merges = ["i n", "t h", "a n", "r e", "e r</w>", "in g</w>", "th e</w>", "an d</w>"];
  const merged = merges.map((pair) => pair.replace(" ", ""));
  const tokens = [...bytes, ...bytes.map((symbol) => `${symbol}</w>`), ...merged, start, end];
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const special = { bos_token: start, eos_token: end, pad_token: end, unk_token: end };
  return new Map([
    ["merges.txt", Buffer.from(["#version: 0.2", ...merges, ""].join("\n"))],
    ["special_tokens_map.json", json(special)],
    ["tokenizer.json", json(fastTokenizer(vocab, merges))],
    [
      "tokenizer_config.json",
      json({ ...special, model_max_length: 77, tokenizer_class: "CLIPTokenizer" }),
    ],
    ["vocab.json", json(vocab)],
  ]);
}

const start = "<|startoftext|>";
const end = "<|endoftext|>";

function fastTokenizer(vocab: Record<string, number>, merges: readonly string[]) {
  const added = [start, end].map((content) => ({
    id: vocab[content],
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: true,
    special: true,
  }));
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: { type: "Lowercase" },
    pre_tokenizer: {
      type: "ByteLevel",
      add_prefix_space: false,
      trim_offsets: true,
      use_regex: true,
    },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: end,
      continuing_subword_prefix: "",
      end_of_word_suffix: "</w>",
      fuse_unk: false,
      vocab,
      merges,
    },
  };
}

/** The printable characters that stand for the 256 bytes in byte-level BPE, in CLIP's order. */
function byteSymbols(): string[] {
  const printable = [...range(0x21, 0x7e), ...range(0xa1, 0xac), ...range(0xae, 0xff)];
  const others = 256 - printable.length;
  return [...printable, ...range(0x100, 0x100 + others - 1)].map((code) =>
    String.fromCodePoint(code),
  );
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
