using System.Diagnostics;

namespace Streams.Faults;

/// <summary>Compares what a device told with what the lives of one reading process were given.</summary>
internal static class ReaderJudge
{
    /// <summary>An acknowledgement is on the reader's disk 200 ms later at the latest; the rest is for a machine with much to do.</summary>
    public static readonly TimeSpan AcknowledgedBy = TimeSpan.FromSeconds(1);

    public static Tally Compare(DeviceLog device, DeviceLog reader)
    {
        List<string> findings = [];
        Dictionary<int, GivenEvent> given = [];
        Dictionary<(int Life, string Topic), int> last = [];
        long duplicate = 0, again = 0, disorder = 0;
        foreach (var one in reader.Given)
        {
            if (given.TryGetValue(one.Number, out var before))
            {
                var untilKilled = (reader.KilledAt(before.Life) - before.Time) / (double)Stopwatch.Frequency;
                if (before.Life < one.Life && untilKilled < AcknowledgedBy.TotalSeconds)
                {
                    again++;
                }
                else
                {
                    duplicate++;
                    findings.Add($"{one.Number} was given twice, in lives {before.Life} and {one.Life} of the reader");
                }
            }

            given[one.Number] = one;
            if (one.Number < last.GetValueOrDefault((one.Life, one.Topic)))
            {
                disorder++;
                findings.Add($"{one.Number} was given behind {last[(one.Life, one.Topic)]}");
            }

            last[(one.Life, one.Topic)] = one.Number;
        }

        var lost = device.Published.Where(number => !given.ContainsKey(number)).ToList();
        if (lost.Count > 0)
        {
            findings.Add($"{lost.Count} were never given to the reader, the first {lost.Min()}");
        }

        return new Tally { Lost = lost.Count, Duplicate = duplicate, Again = again, OutOfOrder = disorder, Findings = findings };
    }
}
