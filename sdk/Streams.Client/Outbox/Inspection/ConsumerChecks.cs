using Streams.Core;

namespace Streams.Client;

/// <summary>Looks at what an outbox's file keeps of consumers, and of where events stand.</summary>
internal sealed class ConsumerChecks(OutboxReading reading, Action<string, string, string, bool> found)
{
    /// <summary>Looks at all of it.</summary>
    public void Run()
    {
        Stand();
        Orphans();
        Consumers();
        Cursors();
        Given();
    }

    private void Stand()
    {
        using Statement stand = reading.Prepare("SELECT partition, origin, offset FROM stand ORDER BY partition, turn");
        while (stand.Step())
        {
            if (!Origin.TryParse(stand.Text(1), out _) || stand.Long(2) < 0)
            {
                found("stand-damaged", $"stand {stand.Long(0)} '{stand.Text(1)}'",
                    $"'{stand.Text(1)}:{stand.Long(2)}' is no place: the client cannot open the file", true);
            }
        }
    }

    private void Orphans()
    {
        foreach ((string table, string key, string of) in OutboxRepair.Owned)
        {
            using Statement orphans = reading.Prepare(
                $"SELECT count(*), min({key}) FROM {table} WHERE {key} NOT IN (SELECT id FROM {of})");
            if (orphans.Step() && orphans.Long(0) > 0)
            {
                found("row-orphan", $"{table} {orphans.Long(1)}", $"{orphans.Long(0)} rows belong to {of} that are not there", true);
            }
        }
    }

    private void Consumers()
    {
        using Statement select = reading.Prepare("SELECT id, name, stream FROM consumers ORDER BY id");
        while (select.Step())
        {
            string? fault = ConsumerName.TryParse(select.Text(1), out _, out string? name)
                ? StreamPath.TryParse(select.Text(2), out _, out string? stream) ? null : stream
                : name;
            if (fault is not null)
            {
                found("consumer-damaged", $"consumers {select.Long(0)}", fault, false);
            }
        }
    }

    private void Cursors()
    {
        using Statement select = reading.Prepare("SELECT consumer, partition, cursor, waits FROM cursors ORDER BY consumer, partition");
        while (select.Step())
        {
            string? fault = Fault(() => ConsumerStore.ReadCursor(select.Blob(2).ToArray()))
                ?? Fault(() => ConsumerStore.ReadWaits(select.Blob(3).ToArray()));
            if (fault is not null)
            {
                found("cursor-damaged", $"cursors {select.Long(0)} partition {select.Long(1)}", $"{fault}: the consumer cannot be opened",
                    false);
            }
        }
    }

    private void Given()
    {
        using Statement select = reading.Prepare("SELECT consumer, partition, producer, runs FROM given ORDER BY consumer, partition");
        while (select.Step())
        {
            string? fault = select.Blob(2).Length == ProducerId.Size
                ? Fault(() => GivenRuns.Read(select.Blob(3).ToArray()))
                : $"the producer's id has {select.Blob(2).Length} bytes instead of {ProducerId.Size}";
            if (fault is not null)
            {
                found("given-damaged", $"given {select.Long(0)} partition {select.Long(1)}", $"{fault}: the consumer cannot be opened",
                    false);
            }
        }
    }

    private static string? Fault(Func<object> read)
    {
        try
        {
            _ = read();
            return null;
        }
        catch (InvalidFormatException e)
        {
            return e.Message;
        }
    }
}
