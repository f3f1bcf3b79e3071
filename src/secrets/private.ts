/** How this room reads and writes files: the store gives one that checks owner and mode (guarantee SE1). */
export interface PrivateFiles {
  /** The bytes, or undefined when there is no such file. Throws when others could read it. */
  read(path: string, how: { readonly cap: number; readonly links?: boolean }): Uint8Array | undefined;
  /** Whole or not at all, mode 0600; false when the path is taken. */
  create(path: string, bytes: Uint8Array): boolean;
  replace(path: string, bytes: Uint8Array): void;
}
