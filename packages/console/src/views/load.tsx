export function LoadView() {
  return <p>Nothing here yet.</p>;
}
