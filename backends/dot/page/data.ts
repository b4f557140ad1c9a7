/** What a page holds beside its drawing. */
import type { Picture } from "../picture/picture.js";

export interface PageData {
  readonly title: string;
  /** The whole picture, from which the page draws anew; null for a chart, which stays as it is. */
  readonly picture: Picture | null;
  /** Code to show, by the keys that boxes and clusters have. */
  readonly codes: Readonly<Record<string, string>>;
}
