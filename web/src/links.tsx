/** Links to what knows more of a thing: monitors, logbooks, catalogs. */

export const LINKS = "links { title url }" as const;

interface Link {
  readonly title: string;
  readonly url: string;
}

export function Links({ of }: { of: readonly Link[] }) {
  return of.length > 0 ? (
    <span className="marks">
      {of.map(({ title, url }) => (
        <a key={title} className="mark" href={url} target="_blank" rel="noopener noreferrer">
          {title} ↗
        </a>
      ))}
    </span>
  ) : null;
}
