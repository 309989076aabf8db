using Microsoft.Extensions.Logging;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.Client;

/// <summary>The outboxes of a client, in the order in which they go: for each class what passes its backlog, then the class itself; then
/// the same for the events of no class; then what is left of classes that there are no more. Safe for use by many threads.</summary>
internal sealed class OutboxSet : IAsyncDisposable
{
    private const long LeastBytes = 1 << 20;
    private const string Mark = "class";                 // in the table meta

    private readonly List<Choice> _choices = [];

    private OutboxSet(OutboxLane[] lanes, EventOutbox main) => (Lanes, Main) = (lanes, main);

    /// <summary>All of them, the most urgent first.</summary>
    public IReadOnlyList<OutboxLane> Lanes { get; }

    /// <summary>The outbox at <see cref="StreamsClientOptions.OutboxPath"/>: it also keeps what consumers have been given.</summary>
    public EventOutbox Main { get; }

    /// <summary>Events that wait in all of them.</summary>
    public long Events => Sum(static o => o.Events);

    /// <summary>Bytes that they count.</summary>
    public long Bytes => Sum(static o => o.Gate.Inside);

    /// <summary>Opens all of them.</summary>
    /// <exception cref="StorageFailedException">One cannot be opened, or another process has it.</exception>
    public static async Task<OutboxSet> OpenAsync(StreamsClientOptions options, TimeProvider time, Random chance, ILogger logger)
    {
        List<OutboxLane> lanes = [];
        try
        {
            foreach (PriorityClass @class in options.Classes)
            {
                await OpenClassAsync(lanes, options, @class, Open).ConfigureAwait(false);
            }

            PriorityClass rest = new(null!, []) { OutboxBytes = options.OutboxBytes, Drain = options.Drain };
            await OpenClassAsync(lanes, options, rest, Open).ConfigureAwait(false);
            EventOutbox main = lanes[^1].Outbox;
            HashSet<string> open = [.. lanes.Select(static l => Path.GetFullPath(l.Outbox.Path))];
            foreach ((string path, string? name, bool isPassing) in OutboxFiles.Beside(options.OutboxPath))
            {
                if (open.Contains(path) || !IsMarked(path, OutboxFiles.MarkOf(name, isPassing), logger))
                {
                    continue;
                }

                OutboxLane former = new(name, isPassing, LeastBytes, Open(path, LeastBytes));
                if (former.Outbox.Events > 0 || await former.Outbox.RunAsync(HasRefused).ConfigureAwait(false))
                {
                    ClientLog.FormerClass(logger, path, former.Outbox.Events);
                    lanes.Add(former);
                }
                else
                {
                    await former.Outbox.DisposeAsync().ConfigureAwait(false);
                }
            }

            OutboxSet set = new([.. lanes], main);
            foreach (PriorityClass @class in options.Classes)
            {
                set._choices.Add(Choice.Of(lanes, @class.Name, @class.Filters, options));
            }

            set._choices.Add(Choice.Of(lanes, null, null, options));
            return set;
        }
        catch
        {
            foreach (OutboxLane lane in lanes)
            {
                await lane.Outbox.DisposeAsync().ConfigureAwait(false);
            }

            throw;
        }

        EventOutbox Open(string path, long bytes)
        {
            EventOutbox outbox = EventOutbox.Open(path, bytes, time, chance, logger, options.FlushWithin,
                options.OutboxEncryption);
            ClientLog.OutboxOpened(logger, path, outbox.Producer, outbox.Events);
            return outbox;
        }
    }

    /// <summary>Where an event of a topic goes now.</summary>
    public EventOutbox For(string topic)
    {
        int last = _choices.Count - 1;
        for (int i = 0; i < last; i++)
        {
            if (_choices[i].Matches(topic))
            {
                return _choices[i].Outbox;
            }
        }

        return _choices[last].Outbox;
    }

    /// <summary>A cluster is connected, or none is any more.</summary>
    public void Connection(bool isUp)
    {
        foreach (Choice choice in _choices)
        {
            choice.Drain?.Connection(isUp);
        }
    }

    /// <summary>Completes when no event waits in any of them.</summary>
    public async Task WhenEmptyAsync(CancellationToken cancellationToken)
    {
        do
        {
            foreach (OutboxLane lane in Lanes)
            {
                await lane.Outbox.WhenEmptyAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        while (Lanes.Count > 1 && Events > 0);
    }

    /// <summary>Something of each, added up.</summary>
    public long Sum(Func<EventOutbox, long> of)
    {
        long sum = 0;
        foreach (OutboxLane lane in Lanes)
        {
            sum += of(lane.Outbox);
        }

        return sum;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (OutboxLane lane in Lanes)
        {
            await lane.Outbox.DisposeAsync().ConfigureAwait(false);
        }
    }

    // An eighth of the room is for what passes a backlog: it passes only while a cluster takes it.
    private static async Task OpenClassAsync(List<OutboxLane> lanes, StreamsClientOptions options, PriorityClass @class,
        Func<string, long, EventOutbox> open)
    {
        long passing = 0;
        if (@class.Drain == DrainOrder.LiveFirst)
        {
            passing = Math.Max(LeastBytes, @class.OutboxBytes / 8);
            await AddAsync(isPassing: true, passing).ConfigureAwait(false);
        }

        await AddAsync(isPassing: false, Math.Max(LeastBytes, @class.OutboxBytes - passing)).ConfigureAwait(false);

        async ValueTask AddAsync(bool isPassing, long bytes)
        {
            EventOutbox outbox = open(OutboxFiles.Of(options.OutboxPath, @class.Name, isPassing), bytes);
            lanes.Add(new OutboxLane(@class.Name, isPassing, bytes, outbox));
            if (@class.Name is not null || isPassing)
            {
                string mark = OutboxFiles.MarkOf(@class.Name, isPassing);
                await outbox.RunAsync(transaction => SetMark(transaction, mark)).ConfigureAwait(false);
            }
        }
    }

    private static bool SetMark(OutboxTransaction transaction, string mark)
    {
        using Statement insert = transaction.Database.Prepare($"INSERT OR REPLACE INTO meta(key, value) VALUES('{Mark}', ?)");
        insert.Bind(1, mark).Run();
        return true;
    }

    private static bool IsMarked(string path, string mark, ILogger logger)
    {
        try
        {
            OutboxDatabase database = new(path, writable: false);
            try
            {
                return database.ScalarText($"SELECT value FROM meta WHERE key='{Mark}'") == mark;
            }
            finally
            {
                database.Abandon();                      // a journal that may be damaged is not to be written back
            }
        }
        catch (Exception e) when (e is StorageFailedException or DamagedOutboxException)
        {
            ClientLog.FormerClassUnreadable(logger, path, e.Message);
            return false;
        }
    }

    private static bool HasRefused(OutboxTransaction transaction) =>
        transaction.Database.Scalar("SELECT EXISTS (SELECT 1 FROM refused)") > 0;

    /// <summary>Where the events of one class go.</summary>
    private sealed class Choice(IReadOnlyList<string>? filters, EventOutbox main, OutboxLane? passing, long behind)
    {
        public DrainChoice? Drain { get; } = passing is null ? null : new DrainChoice(behind, passing.Bytes / 4);

        public EventOutbox Outbox =>
            Drain?.Passes(main.Gate.Inside, passing!.Outbox.Gate.Inside) == true ? passing!.Outbox : main;

        public static Choice Of(List<OutboxLane> lanes, string? name, IReadOnlyList<string>? filters, StreamsClientOptions options)
        {
            OutboxLane main = lanes.First(l => l.Class == name && !l.IsPassing);
            bool passes = name is null ? options.Drain == DrainOrder.LiveFirst
                : options.Classes.First(c => c.Name == name).Drain == DrainOrder.LiveFirst;
            OutboxLane? passing = passes ? lanes.First(l => l.Class == name && l.IsPassing) : null;
            return new Choice(filters, main.Outbox, passing, Math.Min(4L * options.BatchBytes, main.Bytes / 8));
        }

        public bool Matches(string topic)
        {
            for (int i = 0; i < filters!.Count; i++)
            {
                if (TopicFilter.Matches(filters[i], topic))
                {
                    return true;
                }
            }

            return false;
        }
    }
}
