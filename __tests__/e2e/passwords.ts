interface Password {
  readonly plain: string;
  /** bcrypt's, as a line of htpasswd has it behind any user's name. */
  readonly hash: string;
}

/** Passwords of registries. */
export const passwords = {
  one: {
    plain: "geheim-7c1e",
    hash: "$2b$05$ZlwtmGR78.A4zfjAYBEJUuMSaOSoUjoZDI/hLho0d7dfyxW/SKnie",
  },
  other: {
    plain: "lesen-4b0d",
    hash: "$2b$05$ZlwtmGR78.A4zfjAYBEJUuDWzt85fnDAxzwSmm.24Pj9rCNIjg4TS",
  },
} as const satisfies Record<string, Password>;
