/** Whether a path is meant by a pattern: `*` and `?` within one part, `**` over any number of them. */
export function matches(path: string, pattern: string): boolean {
  const source = pattern.replaceAll(/\*\*\/|\*\*|\*|\?|[^*?]+/g, (part) => {
    if (part === "**/") return "(?:.*/)?";
    if (part === "**") return ".*";
    if (part === "*") return "[^/]*";
    return part === "?" ? "[^/]" : part.replaceAll(/[\\^$.|+()[\]{}]/g, "\\$&");
  });
  return new RegExp(`^${source}$`, "su").test(path);
}

/** What a model consists of where its spec names no files: weights, and the texts that belong to them. */
export function isWeightsOrText(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  return (
    !path.split("/").some((part) => part.startsWith(".")) &&
    /\.(?:safetensors|onnx|onnx_data|pth|pt|bin|gguf|json|yaml|yml|txt|model|tiktoken)$/.test(name)
  );
}
