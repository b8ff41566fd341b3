"""Program and numbers to sections of steps: data, without words and without markup."""
