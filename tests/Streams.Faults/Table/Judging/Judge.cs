namespace Streams.Faults;

/// <summary>Compares what a device told with what a reader was given of it. Decides nothing but that: no I/O.</summary>
internal static class Judge
{
    /// <param name="log">What the device told.</param>
    /// <param name="seen">What one reader was given, in its order, from the beginning of the stream to its end.</param>
    /// <param name="mayDrop">Whether the row has a policy under which events may be dropped.</param>
    public static Tally Compare(DeviceLog log, IReadOnlyList<SeenEvent> seen, bool mayDrop)
    {
        List<string> findings = [];
        HashSet<int> given = [];
        Dictionary<string, int> last = [];
        long duplicate = 0, disorder = 0, told = 0;
        foreach (var one in seen)
        {
            if (one.IsGap)
            {
                told += one.GapEvents;
                continue;
            }

            if (!log.Begun.ContainsKey(one.Number))
            {
                findings.Add($"{one.Number} was given, and nobody published it");
            }

            if (!given.Add(one.Number))
            {
                duplicate++;
                findings.Add($"{one.Number} was given twice");
            }
            else if (log.Failed.ContainsKey(one.Number) || log.Refused.Contains(one.Number))
            {
                duplicate++;
                var why = log.Failed.GetValueOrDefault(one.Number, "rejected");
                findings.Add($"{one.Number} was given, and publishing it had failed: {why}");
            }
            else if (one.Number < last.GetValueOrDefault(one.Topic))
            {
                disorder++;
                findings.Add($"{one.Number} was given behind {last[one.Topic]}");
            }

            if (one.OrderReleased)
            {
                findings.Add($"{one.Number} was given with its order given up");
            }

            last[one.Topic] = Math.Max(last.GetValueOrDefault(one.Topic), one.Number);
        }

        var missing = log.Published.Union(log.Stored.Keys).Where(number => !given.Contains(number)).Order().ToList();
        var dropped = mayDrop ? missing.Count(log.Dropped.ContainsKey) : 0;
        var lost = missing.Where(number => !mayDrop || !log.Dropped.ContainsKey(number)).ToList();
        if (lost.Count > 0)
        {
            findings.Add($"{lost.Count} are lost, the first {lost[0]}, the last {lost[^1]}; "
                + $"{lost.Count(log.Stored.ContainsKey)} of them had been acknowledged");
        }

        if (dropped != told)
        {
            findings.Add($"{dropped} were dropped, and gaps tell of {told}");
        }

        findings.AddRange(log.Dropped.Keys.Where(given.Contains).Select(number => $"{number} was given, and its receipt says dropped"));
        return new Tally
        {
            Published = log.Published.Count,
            Acknowledged = log.Stored.Count,
            Lost = lost.Count,
            Duplicate = duplicate,
            OutOfOrder = disorder,
            Dropped = dropped,
            ToldByGaps = told,
            Findings = findings,
        };
    }
}
