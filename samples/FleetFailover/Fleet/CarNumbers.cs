using System.Text;

namespace FleetFailover;

/// <summary>Finds a car's number by its name, from bytes, without making text of them.</summary>
internal sealed class CarNumbers
{
    private readonly Dictionary<string, int> _numbers;

    public CarNumbers(IReadOnlyList<string> cars)
    {
        _numbers = cars.Index().ToDictionary(car => car.Item, car => car.Index);
        Names = cars;
    }

    public IReadOnlyList<string> Names { get; }

    /// <summary>Reads an event of this sample; false when it is none, is damaged, or is of no car of the fleet.</summary>
    public bool TryRead(ReadOnlySpan<byte> payload, out int car, out int number)
    {
        car = -1;
        Span<char> chars = stackalloc char[128];
        return EventText.TryRead(payload, out ReadOnlySpan<byte> name, out number) && name.Length <= chars.Length
            && _numbers.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(chars[..Encoding.UTF8.GetChars(name, chars)], out car);
    }
}
