export function NowView() {
  return <p>Nothing here yet.</p>;
}
