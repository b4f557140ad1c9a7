/** Moving and scaling a drawing in a page: by pointer, wheel, two fingers and keys. */

const smallest = 0.05;
const largest = 6;

export class Viewport {
  #x = 0;
  #y = 0;
  #scale = 1;
  readonly #pointers = new Map<number, { x: number; y: number }>();
  #moved = 0;

  constructor(readonly stage: HTMLElement) {
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel", "pointerleave"] as const) {
      stage.addEventListener(name, (event) => this.#pointers.delete(event.pointerId));
    }
  }

  /** Whether the pointer was dragged since it went down, so that a click is none. */
  get wasDragged(): boolean {
    return this.#moved > 4;
  }

  get #svg(): SVGSVGElement | null {
    return this.stage.querySelector("svg");
  }

  /** Shows the whole drawing, or its full width where it is taller. */
  fit(whole: boolean): void {
    const svg = this.#svg;
    if (svg === null) return;
    const { width, height } = svg.viewBox.baseVal;
    const [w, h] = [(width * 4) / 3, (height * 4) / 3].map((side) => Math.max(1, side)) as [number, number];
    const { clientWidth, clientHeight } = this.stage;
    const across = clientWidth / w;
    this.#scale = Math.min(1, whole ? Math.min(across, clientHeight / h) : across);
    this.#x = (clientWidth - w * this.#scale) / 2;
    this.#y = Math.max(0, whole ? (clientHeight - h * this.#scale) / 2 : 0);
    this.apply();
  }

  zoom(factor: number, x = this.stage.clientWidth / 2, y = this.stage.clientHeight / 2): void {
    const scale = Math.min(largest, Math.max(smallest, this.#scale * factor));
    this.#x = x - ((x - this.#x) * scale) / this.#scale;
    this.#y = y - ((y - this.#y) * scale) / this.#scale;
    this.#scale = scale;
    this.apply();
  }

  pan(x: number, y: number): void {
    this.#x += x;
    this.#y += y;
    this.apply();
  }

  /** Brings an element into the middle, unless it can be seen. */
  show(element: Element, always = false): void {
    const [box, stage] = [element.getBoundingClientRect(), this.stage.getBoundingClientRect()];
    const seen =
      box.left >= stage.left && box.right <= stage.right && box.top >= stage.top && box.bottom <= stage.bottom;
    if (seen && !always) return;
    this.pan(
      stage.left + stage.width / 2 - (box.left + box.right) / 2,
      stage.top + stage.height / 2 - (box.top + Math.min(box.bottom, box.top + stage.height)) / 2,
    );
  }

  apply(): void {
    const svg = this.#svg;
    if (svg) svg.style.transform = `translate(${this.#x}px, ${this.#y}px) scale(${this.#scale})`;
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const box = this.stage.getBoundingClientRect();
    const lines = event.deltaMode === 1 ? 16 : 1;
    if (event.shiftKey) this.pan(-event.deltaY * lines - event.deltaX * lines, 0);
    else this.zoom(Math.exp(-event.deltaY * lines * 0.0015), event.clientX - box.left, event.clientY - box.top);
  }

  #down(event: PointerEvent): void {
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.#moved = 0;
  }

  #move(event: PointerEvent): void {
    const before = this.#pointers.get(event.pointerId);
    if (before === undefined) return;
    const now = { x: event.clientX, y: event.clientY };
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, now);
    this.#moved += Math.hypot(now.x - before.x, now.y - before.y);
    if (other === undefined) {
      if (this.wasDragged) this.pan(now.x - before.x, now.y - before.y);
      return;
    }
    const box = this.stage.getBoundingClientRect();
    const distance = (point: { x: number; y: number }): number => Math.hypot(point.x - other.x, point.y - other.y);
    this.zoom(
      distance(now) / Math.max(1, distance(before)),
      (now.x + other.x) / 2 - box.left,
      (now.y + other.y) / 2 - box.top,
    );
  }
}
