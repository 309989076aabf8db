using Streams.Core;

namespace Streams.Storage;

/// <summary>The streams known: those with a settings register, and those of which there is a lane.</summary>
internal sealed class StreamTable
{
    private readonly Dictionary<StreamPath, int> _highest = [];
    private StreamPath[]? _sorted = [];

    public IReadOnlyList<StreamPath> Sorted => _sorted ??= [.. _highest.Keys.Order()];

    public void Note(StreamPath stream, int partition)
    {
        if (!_highest.TryGetValue(stream, out int highest))
        {
            _sorted = null;
            highest = -1;
        }

        _highest[stream] = Math.Max(highest, partition);
    }

    /// <summary>The settings of a stream: those registered, else the default, with as many partitions as lanes show.</summary>
    public StreamSettings? Settings(StreamPath stream, RegisterFact? registered)
    {
        if (!_highest.TryGetValue(stream, out int highest))
        {
            return null;
        }

        if (registered is { } fact && StreamSettings.TryRead(fact.Value, out StreamSettings? settings))
        {
            return settings;
        }

        return highest < StreamSettings.DefaultPartitions ? StreamSettings.Default : new StreamSettings(highest + 1);
    }
}
