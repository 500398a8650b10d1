export function FlowView() {
  return <p>Nothing here yet.</p>;
}
