/**
 * The steps of a schedule, as data. Each rewrites a kernel into one that computes the same; all that can be known of a
 * kernel's speed (its shapes, the target) is in which steps are taken, and none of it in what they do.
 *
 * Loops are called by their names. A step gives names to the loops that it makes. A name may stand for several loops
 * (`sink` makes one loop into several of its name); a step that needs one loop fails where it finds more.
 */
import type { Layout, LoopKind } from "../ir/kernel/index.js";

/** What becomes of the iterations that are left over where a factor does not divide an extent. */
export type Tail =
  /** There are none: the factor is proven to divide the extent. */
  | "exact"
  /** The extent is rounded up, and the body stands under an `if`. */
  | "guard"
  /** The extent is rounded up, and only stores to arguments stand under an `if`: what is read must be there. */
  | "round"
  /** A loop of their own after the others. */
  | "peel"
  /** The extent is rounded up, and what is left over computes the last iteration again, but stores nothing. */
  | "clamp";

export interface Split {
  readonly step: "split";
  readonly loop: string;
  readonly factor: number;
  readonly tail: Tail;
  /** The outer and the inner loop, and for `peel` the loop of the rest. */
  readonly names: readonly string[];
  /** For `peel`: the loops inside of the rest, outer ones first, which are copies. */
  readonly copies: readonly string[];
  readonly gather?: Gather;
}

/** For `peel`: the first of so many iterations of a loop around does the rest for all of them, in a loop of a new name. */
export interface Gather {
  readonly loop: string;
  readonly factor: number;
  readonly as: string;
}

export type Step =
  | Split
  /** Brings perfectly nested loops into this order, outermost first. */
  | { readonly step: "reorder"; readonly loops: readonly string[] }
  /**
   * Distributes a loop over the statements of its body, and over those of the loops `into` in it. What the body
   * allocates gets an axis in front for the loop, so that scalars become tiles. Where `apart` is given, neighbours among
   * the statements that are no loops of `into` stay together in a loop of that name.
   */
  | { readonly step: "sink"; readonly loop: string; readonly into: readonly string[]; readonly apart?: string }
  /** Says how a loop is run. */
  | { readonly step: "mark"; readonly loop: string; readonly kind: LoopKind }
  /**
   * Cuts a loop where the `if`s in it stop to hold for all that stands in them, so that the first part has none. The
   * second part is a loop of a name of its own, and the loops in it are copies.
   */
  | {
      readonly step: "peelGuard";
      readonly loop: string;
      readonly name: string;
      readonly copies: readonly string[];
    }
  /**
   * Keeps what a loop updates of a buffer in private memory meanwhile. For each loop inside that the place depends on,
   * outer ones first, it names a loop that copies in, and then for each one that copies out.
   */
  | { readonly step: "accumulate"; readonly buffer: string; readonly loop: string; readonly names: readonly string[] }
  /**
   * Lets each iteration of a loop that is reduced over, inside of another, keep a result of its own; a loop after the
   * other combines them. Sums of floats are added in another order. Names the loops that begin and that combine.
   */
  | {
      readonly step: "rfactor";
      readonly loop: string;
      readonly under: string;
      readonly names: readonly [string, string];
    }
  /**
   * Lays out an argument that is known when the model is loaded for those who read it: in panels, say, filled up with
   * zeros. The kernel then reads what a kernel that runs once, at load, has made of it.
   */
  | { readonly step: "packWeight"; readonly buffer: string; readonly layout: Layout }
  /**
   * Computes a factor of the products that a buffer is updated with ahead of a loop's body, into a new buffer. Names a
   * loop for each loop inside that the factor depends on, outer ones first.
   */
  | {
      readonly step: "stage";
      readonly buffer: string;
      readonly side: "left" | "right";
      readonly loop: string;
      readonly scope: "private" | "workgroup";
      readonly into: string;
      readonly names: readonly string[];
    }
  /**
   * Computes a factor of the products that a buffer is updated with in workgroup memory, ahead of a loop's body, each lane
   * a part. An axis is a group of loops, outer ones first. Names the loop that fills, and for more than one neighbour at a
   * time the vector loop over them.
   */
  | {
      readonly step: "share";
      readonly buffer: string;
      readonly side: "left" | "right";
      readonly loop: string;
      readonly into: string;
      readonly axes: readonly (readonly string[])[];
      /** Whether lanes fill it side by side along the first axis, and not the last. */
      readonly across: boolean;
      /** By how many elements the last axis is longer than it need be. */
      readonly pad: number;
      /** How many neighbours along the last axis a lane computes at a time. */
      readonly width: number;
      readonly names: readonly string[];
    }
  /**
   * Spreads the loops directly in a row's loop over lanes. Names the lane, then for each of the loops the one over turns,
   * and for each scalar that it updates two loops over what lanes and groups of them have. All lanes run each iteration of
   * the loops `over`, and share the loops in those. What is allocated as workgroup memory they fill together.
   */
  | {
      readonly step: "spread";
      readonly loop: string;
      readonly lanes: number;
      /** Whether lanes meet by what the device has for it, not in memory that they share. */
      readonly isMeeting: boolean;
      readonly over: readonly string[];
      readonly names: readonly string[];
    }
  /** Brings a loop around all that stands before it in its block, which is computed anew in each iteration. */
  | { readonly step: "repeat"; readonly loop: string }
  /** Makes one update of those of a loop that only adds at one place. Sums of floats are added in another order. */
  | { readonly step: "fold"; readonly loop: string }
  /** Lays a buffer of the kernel out anew: its axes in another order, or cut into panels. */
  | { readonly step: "layout"; readonly buffer: string; readonly layout: Layout }
  /** Computes once, in a loop of this name, what a loop updates a buffer with and later loops compute too. */
  | {
      readonly step: "materialise";
      readonly buffer: string;
      readonly loop: string;
      readonly into: string;
      readonly name: string;
    }
  /**
   * Runs a loop where all elements of a factor of the products that a buffer is updated with are finite, and a copy of it
   * elsewhere. Names the loops that look at them, for inner ones first; the copies of the loop and of those in it.
   */
  | {
      readonly step: "whenFinite";
      readonly buffer: string;
      readonly side: "left" | "right";
      readonly loop: string;
      readonly names: readonly string[];
      readonly copies: readonly string[];
    }
  /**
   * Lets the loop that fills a row of scores, and those that read it, run only where the row's mask may hold, for all
   * iterations of the loops `over` around it together.
   */
  | { readonly step: "skipTiles"; readonly loop: string; readonly over: readonly string[] }
  /** Lets the loop that fills a row of scores, and those that read it, run a multiple of so many times. */
  | { readonly step: "pad"; readonly loop: string; readonly factor: number }
  /**
   * Tiles the loop that fills a row of scores, and those that read it: the maximum so far is kept, and what was summed is
   * scaled when it changes. Names the loop over tiles, the one that fills a tile, and each of those that read it in their
   * order; then for each sum inside another loop the loops that begin it, scale it and end it.
   */
  | { readonly step: "online"; readonly loop: string; readonly factor: number; readonly names: readonly string[] };

export type Schedule = readonly Step[];
