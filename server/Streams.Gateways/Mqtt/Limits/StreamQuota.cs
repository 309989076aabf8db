using Streams.Core;

namespace Streams.Gateways;

/// <summary>How many streams topics may make: those of one level, for a topic makes no others. Without a limit, whoever may publish could
/// fill the catalog of every cluster by counting up the first level.</summary>
/// <remarks>Safe for use by many threads. Streams of other clusters and of the SDK with one level count too; they are made all the
/// same.</remarks>
internal sealed class StreamQuota(IEventStore store, int most)
{
    private readonly Dictionary<StreamPath, int> _making = [];
    private readonly Lock _lock = new();
    private IReadOnlyList<StreamPath>? _counted;
    private int _count;

    /// <summary>Makes room for a stream that is not there; to be given back with <see cref="Leave"/> once it is, or is not.</summary>
    /// <exception cref="InvalidRequestException">There are as many already.</exception>
    public void Enter(StreamPath stream)
    {
        if (stream.IsSystem)
        {
            return;
        }

        lock (_lock)
        {
            if (!_making.TryGetValue(stream, out int waiting) && Making() + Count() >= most)
            {
                throw new InvalidRequestException($"{most} streams were made by topics: no more are, and '{stream}' is not there");
            }

            _making[stream] = waiting + 1;
        }
    }

    /// <summary>The stream is there, or could not be made.</summary>
    public void Leave(StreamPath stream)
    {
        if (stream.IsSystem)
        {
            return;
        }

        lock (_lock)
        {
            if (--_making[stream] is var waiting && waiting == 0)
            {
                _making.Remove(stream);
            }
        }
    }

    // Not those that the store has already: they are counted there, and after this, so none is counted in neither place.
    private int Making()
    {
        int making = 0;
        foreach (StreamPath stream in _making.Keys)
        {
            making += store.Settings(stream) is null ? 1 : 0;
        }

        return making;
    }

    // The store gives the same list until there is another stream: who is refused again and again costs no count.
    private int Count()
    {
        IReadOnlyList<StreamPath> streams = store.Streams;
        if (!ReferenceEquals(streams, _counted))
        {
            _count = 0;
            foreach (StreamPath stream in streams)
            {
                _count += !stream.IsSystem && stream.Value.LastIndexOf('/') == 0 ? 1 : 0;
            }

            _counted = streams;
        }

        return _count;
    }
}
