using Streams.Core;

namespace Streams.Storage;

/// <summary>Compares pieces of state by what they say.</summary>
internal sealed class ItemBytes : IEqualityComparer<StateItem>
{
    public static readonly ItemBytes Instance = new();

    public bool Equals(StateItem x, StateItem y) =>
        x.Kind == y.Kind && x.Partition == y.Partition && x.Body.Span.SequenceEqual(y.Body.Span);

    public int GetHashCode(StateItem obj)
    {
        HashCode hash = default;
        hash.Add(obj.Kind);
        hash.AddBytes(obj.Body.Span);
        return hash.ToHashCode();
    }
}
