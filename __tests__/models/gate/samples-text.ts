import { latin, type Sample } from "./sample.ts";

const pointer = (host: string) =>
  Buffer.from(`version https://${host}/spec/v1\noid sha256:${"0".repeat(64)}\nsize 5\n`);
const words = "a model card. ".repeat(2000);
const piece = (text: string) =>
  latin(
    "\n",
    String.fromCharCode(text.length + 7),
    "\n",
    String.fromCharCode(text.length),
    text,
    "\x15\0\0\0\0",
  );

export const textSamples: readonly Sample[] = [
  ["JSON", Buffer.from('{"a": [1, 2]}\n'), "passed"],
  ["YAML", Buffer.from("a: 1\nb: [ä]\n"), "passed"],
  ["a vocabulary", Buffer.from("cat\ndog\nbird\n"), "passed"],
  ["a vocabulary of special tokens", Buffer.from("<unk>\n<s>\n[PAD]\n"), "passed"],
  ["a template", Buffer.from("{% for m in messages %}{{ m }}{% endfor %}"), "passed"],
  ["a long text in letters of three bytes", Buffer.from("語彙".repeat(20_000)), "passed"],
  ["a long line that begins like an opcode", Buffer.from(`I${words}`), "passed"],
  ["base64 lines of tiktoken", Buffer.from("IQ== 0\nIg== 1\nIw== 2\n"), "passed"],
  [
    "a tokenizer of SentencePiece",
    Buffer.concat([piece("<unk>"), piece("a"), latin("\x12\x02ab")]),
    "passed",
  ],

  ["an HTML page", Buffer.from("\n<!DOCTYPE html>\n<html>"), "no-html"],
  ["an HTML page behind a comment", Buffer.from("<!-- cached -->\n<HTML lang=en>"), "no-html"],
  [
    "an error of a storage host",
    Buffer.from('<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>'),
    "no-html",
  ],
  ["a git-lfs pointer", pointer("git-lfs.github.com"), "no-git-lfs-pointer"],
  ["a git-lfs pointer of old", pointer("hawser.github.com"), "no-git-lfs-pointer"],
  ["nothing", Buffer.alloc(0), "no-empty"],
  ["a program for a shell", Buffer.from("#!/bin/sh\nrm -rf /\n"), "no-script"],
  ["a program for Linux", latin("\x7fELF\x02\x01\x01", "\0".repeat(57)), "no-unknown"],
  ["a program for Windows", latin("MZ\x90\0\x03\0\0\0"), "no-unknown"],
  ["compiled Python", latin("\xa7\r\r\n\0\0\0\0"), "no-unknown"],
  ["an array of numpy", latin("\x93NUMPY\x01\0v\0{'descr': '|O'}"), "no-unknown"],
  ["a gzip file", latin("\x1f\x8b\x08\0\0\0\0\0"), "no-unknown"],
  ["an HDF5 file", latin("\x89HDF\r\n\x1a\n"), "no-unknown"],
  ["a tar file", latin("a".repeat(100), "0000644\0", "\0".repeat(400)), "no-unknown"],
  ["a picture", latin("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "no-unknown"],
  ["text with a zero byte", Buffer.from("abc\0def"), "no-unknown"],
  ["text with a zero byte far behind", Buffer.from(`${words}\0`), "text-encoding"],
  [
    "text that turns into something else",
    Buffer.concat([Buffer.from(words), Buffer.alloc(10, 0xff)]),
    "text-encoding",
  ],
  ["text that ends within a character", Buffer.from(`${words}ä`).subarray(0, -1), "text-encoding"],
  ["UTF-16", Buffer.from("﻿{}", "utf16le"), "no-unknown"],
  [
    "a tokenizer of SentencePiece with a field more",
    Buffer.concat([piece("a"), latin("\xfa\x01\x01x")]),
    "sentencepiece-structure",
  ],
];
